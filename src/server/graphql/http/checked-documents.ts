import { HeaderMap, type ApolloServerPlugin } from '@apollo/server';
import { parse, type GraphQLError } from 'graphql';
import type { Context } from '../context.ts';
import type { Documents } from './documents.ts';
import { formatErrors, type ErrorReporting } from '../errors.ts';

/** The placeholder for a document that is not executed because it has errors. */
const NOT_EXECUTED = parse('{ __typename }');

/**
 * Gives Apollo documents that are already parsed and checked, so that both endpoints share one cache
 * and one budget. Apollo parses and validates only requests without a document. Its own document store
 * must be off, because it would replace the document that is set here.
 */
export const checkedDocuments = (
  documents: Documents,
  reporting: ErrorReporting,
): ApolloServerPlugin<Context> => ({
  async requestDidStart({ contextValue }) {
    let errors: readonly GraphQLError[] | undefined;
    return {
      async didResolveSource(request) {
        const checked = await documents.check(request.source, contextValue.caller);
        errors = checked.errors;
        const document = checked.errors === undefined ? checked.document : NOT_EXECUTED;
        Object.assign(request, { document });
      },
      async responseForOperation() {
        if (errors === undefined) return null;
        return {
          http: { status: 400, headers: new HeaderMap() },
          body: {
            kind: 'single',
            singleResult: { errors: formatErrors(errors, contextValue.caller, reporting) },
          },
        };
      },
    };
  },
});
