import type { ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql';
import { ArgumentValidationError, AuthenticationError, AuthorizationError } from 'type-graphql';
import { isFault } from '../../lib/faults.ts';
import type { Logger } from '../../lib/log.ts';
import { RateLimited } from '../http/rate-limits.ts';
import type { Caller, Context } from './context.ts';
import { ERRORS_MAX } from './http/limits.ts';

/** The codes that reach a client with their own message; every other error is masked. */
const EXPOSED_CODES = new Set([
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

/** GraphQL repeats a wrong value whole, in each of its errors; the beginning says enough. */
const MESSAGE_MAX = 400;

/**
 * What GraphQL says of variables without their node: where a flood of wrong ones made it give up, and
 * where one that may be null stands for an argument that may not.
 */
const OF_VARIABLES =
  /^Too many errors processing variables|^Argument "\w+" (of (non-null|required) type|has invalid value)/;

/** Whether GraphQL itself says so of a variable: Apollo gives most of these a code, a socket none. */
function isWrongVariable(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return false;
  return error.nodes?.[0]?.kind === Kind.VARIABLE_DEFINITION || OF_VARIABLES.test(error.message);
}

/**
 * An error as a client may see it: what it did wrong in plain words, a fault as OVERLOADED, and
 * anything else masked. No stack, no SQL, no path of a file.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const cause = causeOf(error);
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
  const code = exposedCode(formatted, cause);
  return code === undefined
    ? told('Something went wrong on our side.', MASKED)
    : told(message, code);
}

/** What a resolver threw, or a stream, whose errors have no path. */
function causeOf(error: unknown): unknown {
  const isOfStream = error instanceof GraphQLError && isFault(error.originalError);
  return isOfStream ? error.originalError : unwrapResolverError(error);
}

/** GraphQL's guesses at a right name, of a field or of a value, to the end of what it says. */
const HINT = / ?Did you mean .*$/s;

/** Tells errors at a door: where its schema is nobody's business, without a hint at the right name. */
export function errorFormatter({
  introspection,
}: {
  readonly introspection: boolean;
}): typeof formatError {
  if (introspection) return formatError;
  return (formatted, error) => {
    const told = formatError(formatted, error);
    return { ...told, message: told.message.replace(HINT, '') };
  };
}

/** The code under which an error keeps its own message; undefined where it is masked. */
function exposedCode({ extensions }: GraphQLFormattedError, cause: unknown): string | undefined {
  const code = String(extensions?.['code']);
  if (EXPOSED_CODES.has(code)) return code;
  if (BAD_REQUESTS.has(code)) return 'BAD_REQUEST';
  return isWrongVariable(cause) ? 'BAD_USER_INPUT' : undefined;
}

const MASKED = 'INTERNAL_SERVER_ERROR';

/** Logs an error that its client sees masked, under the request id that the client is given. */
function logIfMasked(error: GraphQLError, requestId: string, log: Logger): void {
  if (formatError(error.toJSON(), error).extensions?.['code'] !== MASKED) return;
  log.error({ requestId, err: causeOf(error) }, 'An operation failed unexpectedly');
}

/** What telling a socket's errors takes. */
export interface SocketTelling {
  readonly tell: typeof formatError;
  readonly log: Logger;
}

/** Errors as a socket's caller may see them: at most ten, a masked one logged under its request id. */
export function formatErrors(
  errors: readonly GraphQLError[],
  { requestId }: Pick<Caller, 'requestId'>,
  { tell, log }: SocketTelling,
): GraphQLFormattedError[] {
  return errors.slice(0, ERRORS_MAX).map((error) => {
    logIfMasked(error, requestId, log);
    return withRequestId(tell(error.toJSON(), error), requestId);
  });
}

/** The error with the request id under which the log has it, where it is masked. */
function withRequestId(told: GraphQLFormattedError, requestId: string): GraphQLFormattedError {
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
