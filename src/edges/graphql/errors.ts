import type { ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql';
import { ArgumentValidationError, AuthenticationError, AuthorizationError } from 'type-graphql';
import { isFault } from '../../platform/faults.ts';
import type { Logger } from '../../platform/log.ts';
import { RateLimited } from '../rate-limits.ts';
import type { Context } from './context.ts';

/** The codes that reach a client with their own message; every other error is masked. */
const TOLD = new Set([
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'OVERLOADED',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
]);

/** Apollo's other words for a request that is none of ours; the contract has one. */
const BAD_REQUESTS = new Set(['OPERATION_RESOLUTION_FAILURE', 'PERSISTED_QUERY_NOT_SUPPORTED']);

/** Most errors in one answer: a client needs the first, and a flood of them costs us the writing. */
const ERRORS_MAX = 10;

/** GraphQL repeats a wrong value whole, in each of its errors; the beginning says enough. */
const MESSAGE_MAX = 400;

/** What GraphQL says, without a node, where a flood of wrong variables made it give up. */
const FLOOD = /^Too many errors processing variables/;

/** Whether GraphQL itself says so of a variable: Apollo gives most of these a code, a socket none. */
function isWrongVariable(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return false;
  return error.nodes?.[0]?.kind === Kind.VARIABLE_DEFINITION || FLOOD.test(error.message);
}

/**
 * An error as a client may see it: what it did wrong in plain words, a fault as OVERLOADED, and
 * anything else masked. No stack, no SQL, no path of a file.
 */
export function tellError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const cause = unwrapResolverError(error);
  const { message, locations, path } = formatted;
  const told = (text: string, code: string, more: object = {}): GraphQLFormattedError => ({
    message: text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code, ...more },
  });
  if (isFault(cause))
    return told(cause.message, 'OVERLOADED', { retryAfterMs: cause.retryAfterMs });
  if (cause instanceof RateLimited)
    return told(cause.message, 'RATE_LIMITED', { retryAfterMs: cause.retryAfterMs });
  if (cause instanceof ArgumentValidationError) return told(complaintsOf(cause), 'BAD_USER_INPUT');
  if (cause instanceof AuthenticationError || cause instanceof AuthorizationError) {
    return told('This needs the admin token.', 'UNAUTHENTICATED');
  }
  const code = toldCode(formatted, cause);
  return code === undefined
    ? told('Something went wrong on our side.', MASKED)
    : told(message, code);
}

/** The code under which an error keeps its own message; undefined where it is masked. */
function toldCode({ extensions }: GraphQLFormattedError, cause: unknown): string | undefined {
  const code = String(extensions?.['code']);
  if (TOLD.has(code)) return code;
  if (BAD_REQUESTS.has(code)) return 'BAD_REQUEST';
  return isWrongVariable(cause) ? 'BAD_USER_INPUT' : undefined;
}

const MASKED = 'INTERNAL_SERVER_ERROR';

/** Logs an error that its client sees masked, under the request id that the client is given. */
export function logIfMasked(error: GraphQLError, requestId: string, log: Logger): void {
  if (tellError(error.toJSON(), error).extensions?.['code'] !== MASKED) return;
  log.error({ requestId, err: unwrapResolverError(error) }, 'An operation failed unexpectedly');
}

/** The error with the request id under which the log has it, where it is masked. */
export function withRequestId(
  told: GraphQLFormattedError,
  requestId: string,
): GraphQLFormattedError {
  const { extensions } = told;
  return extensions?.['code'] === MASKED
    ? { ...told, extensions: { ...extensions, requestId } }
    : told;
}

function complaintsOf({ extensions }: ArgumentValidationError): string {
  const failures = extensions['validationErrors'] as readonly {
    constraints?: Record<string, string>;
  }[];
  return `${failures.flatMap(({ constraints = {} }) => Object.values(constraints)).join('; ')}.`;
}

/**
 * HTTP's part of errors: the log entry and request id of a masked one, 503 or 429 and when to come
 * again for a fault or a limit, and at most ten in an answer.
 */
export const errorsOverHttp = (log: Logger): ApolloServerPlugin<Context> => ({
  async requestDidStart({ contextValue: { caller } }) {
    return {
      async didEncounterErrors({ errors }) {
        for (const error of errors) logIfMasked(error, caller.requestId, log);
      },
      async willSendResponse({ response: { body, http } }) {
        if (body.kind !== 'single' || body.singleResult.errors === undefined) return;
        const errors = body.singleResult.errors.slice(0, ERRORS_MAX);
        body.singleResult.errors = errors.map((error) => withRequestId(error, caller.requestId));
        const having = (code: string) =>
          errors.find(({ extensions }) => extensions?.['code'] === code);
        // Apollo would answer 200 to a persisted query that it does not know.
        if (having('BAD_REQUEST')) http.status = 400;
        const fault = having('OVERLOADED');
        const later = fault ?? having('RATE_LIMITED');
        if (later === undefined) return;
        http.status = fault === undefined ? 429 : 503;
        const retryAfterMs = Number(later.extensions!['retryAfterMs']);
        http.headers.set('retry-after', String(Math.ceil(retryAfterMs / 1000)));
      },
    };
  },
});
