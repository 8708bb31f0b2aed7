import { HeaderMap, type ApolloServerPlugin } from '@apollo/server';
import { parse, type GraphQLError } from 'graphql';
import type { Context } from '../context.ts';
import type { Documents } from './documents.ts';
import { formatErrors, type SocketTelling } from '../errors.ts';

/** Stands for a document that is not executed, because it has errors. */
const NOT_EXECUTED = parse('{ __typename }');

/**
 * Gives Apollo documents that are parsed and checked already, so that both endpoints share one cache
 * and one budget. Apollo parses and validates only requests that have no document at this point; its
 * own document store has to be off, because it would replace what is set here.
 */
export const checkedDocuments = (
  documents: Documents,
  telling: SocketTelling,
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
            singleResult: { errors: formatErrors(errors, contextValue.caller, telling) },
          },
        };
      },
    };
  },
});
