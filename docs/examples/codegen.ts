import { readFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';

/** The output file of `npm run codegen`. */
export const GENERATED = 'docs/examples/generated/operations.ts';

const SCHEMA = 'schema.graphql';
const OPERATIONS = 'docs/examples/operations.graphql';

/**
 * The types and documents of a file of operations. Both plugins go into a `codegen.ts` of the CLI
 * too.
 */
export function generateOperations(filename = GENERATED, location = OPERATIONS): Promise<string> {
  return codegen({
    filename,
    schema: parse(readFileSync(SCHEMA, 'utf8')),
    documents: [{ location, document: parse(readFileSync(location, 'utf8')) }],
    pluginMap: { typescriptOperations, typedDocumentNode },
    plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
    config: {
      // DateTime and Decimal are text: an amount must never become a float.
      defaultScalarType: 'string',
      scalars: { Metadata: 'Readonly<Record<string, string>>' },
      immutableTypes: true,
      useTypeImports: true,
      optimizeDocumentNode: true,
      dedupeFragments: true,
    },
  });
}
