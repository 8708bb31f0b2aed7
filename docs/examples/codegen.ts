import { readFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';

/** Where `npm run codegen` writes what is generated. */
export const GENERATED = 'docs/examples/generated/operations.ts';

const SCHEMA = 'schema.graphql';
const OPERATIONS = 'docs/examples/operations.graphql';

/** The types and documents of our operations. Both plugins go into a `codegen.ts` of the CLI too. */
export function generateOperations(): Promise<string> {
  return codegen({
    filename: GENERATED,
    schema: parse(readFileSync(SCHEMA, 'utf8')),
    documents: [{ location: OPERATIONS, document: parse(readFileSync(OPERATIONS, 'utf8')) }],
    pluginMap: { typescriptOperations, typedDocumentNode },
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    config: {
      // DateTime and Decimal are text, and stay text: an amount must never become a float.
      defaultScalarType: 'string',
      immutableTypes: true,
      useTypeImports: true,
      optimizeDocumentNode: true,
      dedupeFragments: true,
    },
  });
}
