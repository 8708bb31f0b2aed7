import { GENERATED } from '../../docs/examples/codegen.ts';

/** The generated files, each with the file of operations that it is generated from. */
export const OPERATION_FILES: readonly (readonly [generated: string, operations: string])[] = [
  [GENERATED, 'docs/examples/operations.graphql'],
  ['web/console/generated/operations.ts', 'web/console/operations.graphql'],
  ['web/storefront/generated/operations.ts', 'web/storefront/operations.graphql'],
];
