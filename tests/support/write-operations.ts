import { writeFileSync } from 'node:fs';
import { GENERATED, generateOperations } from '../../docs/examples/codegen.ts';

/** `npm run codegen`: generates the examples' types and documents from schema.graphql. */
writeFileSync(GENERATED, await generateOperations());
