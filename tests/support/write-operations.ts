import { writeFileSync } from 'node:fs';
import { generateOperations } from '../../docs/examples/codegen.ts';
import { OPERATION_FILES } from './operation-files.ts';

/** `npm run codegen`: generates types and documents of the operations from schema.graphql. */
for (const [generated, operations] of OPERATION_FILES)
  writeFileSync(generated, await generateOperations(generated, operations));
