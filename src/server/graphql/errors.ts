import type { ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql';
import { ArgumentValidationError, AuthenticationError, AuthorizationError } from 'type-graphql';
import { isFault } from '../../lib/faults.ts';
import type { Logger } from '../../lib/log.ts';
import { RateLimited } from '../http/rate-limits.ts';
import type { Caller, Context } from './context.ts';
import { ERRORS_MAX } from './http/limits.ts';

/** Errors with these codes reach the client with their message; every other error is masked. */
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

/** Apollo's other codes for a bad request. The contract has only BAD_REQUEST. */
const BAD_REQUESTS = new Set(['OPERATION_RESOLUTION_FAILURE', 'PERSISTED_QUERY_NOT_SUPPORTED']);

/** Longest message. GraphQL repeats an invalid value in full in each error; its beginning is enough. */
const MESSAGE_MAX = 400;

/**
 * Messages of GraphQL about variables in errors without a node. They follow too many invalid values, or
 * a nullable variable in a non-null argument.
 */
const VARIABLE_MESSAGES =
  /^Too many errors processing variables|^Argument "\w+" (of (non-null|required) type|has invalid value)/;

/** Whether the error is about a variable. Apollo gives most of these a code; the websocket gives none. */
function isVariableError(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return false;
  return (
    error.nodes?.[0]?.kind === Kind.VARIABLE_DEFINITION || VARIABLE_MESSAGES.test(error.message)
  );
}

/**
 * Formats an error for the client. Errors of the request keep their message, a fault becomes
 * OVERLOADED, and any other error is masked. The result has no stack, SQL or file path.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const cause = causeOf(error);
  const { message, locations, path } = formatted;
  const format = (text: string, code: string, more: object = {}): GraphQLFormattedError => ({
    message: text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code, ...more },
  });
  if (isFault(cause))
    return format(cause.message, 'OVERLOADED', { retryAfterMs: cause.retryAfterMs });
  if (cause instanceof RateLimited)
    return format(cause.message, 'RATE_LIMITED', { retryAfterMs: cause.retryAfterMs });
  if (cause instanceof ArgumentValidationError)
    return format(constraintMessages(cause), 'BAD_USER_INPUT');
  if (cause instanceof AuthenticationError || cause instanceof AuthorizationError) {
    return format('This operation requires the admin token.', 'UNAUTHENTICATED');
  }
  const code = exposedCode(formatted, cause);
  return code === undefined ? format('Internal server error.', MASKED) : format(message, code);
}

/** The error that a resolver or a stream threw. Errors of a stream have no path. */
function causeOf(error: unknown): unknown {
  const isOfStream = error instanceof GraphQLError && isFault(error.originalError);
  return isOfStream ? error.originalError : unwrapResolverError(error);
}

/** GraphQL's suggestion of a similar name, to the end of the message. */
const SUGGESTION = / ?Did you mean .*$/s;

/** The formatter of an endpoint. Without introspection it removes suggestions, which reveal the schema. */
export function errorFormatter({
  introspection,
}: {
  readonly introspection: boolean;
}): typeof formatError {
  if (introspection) return formatError;
  return (formatted, error) => {
    const exposed = formatError(formatted, error);
    return { ...exposed, message: exposed.message.replace(SUGGESTION, '') };
  };
}

/** The code of an error that keeps its message; undefined if the error is masked. */
function exposedCode({ extensions }: GraphQLFormattedError, cause: unknown): string | undefined {
  const code = String(extensions?.['code']);
  if (EXPOSED_CODES.has(code)) return code;
  if (BAD_REQUESTS.has(code)) return 'BAD_REQUEST';
  return isVariableError(cause) ? 'BAD_USER_INPUT' : undefined;
}

const MASKED = 'INTERNAL_SERVER_ERROR';

/** Logs an error that is masked for the client, with the request id that the client receives. */
function logIfMasked(error: GraphQLError, requestId: string, log: Logger): void {
  if (formatError(error.toJSON(), error).extensions?.['code'] !== MASKED) return;
  log.error({ requestId, err: causeOf(error) }, 'An operation failed unexpectedly');
}

/** How errors are formatted and logged. */
export interface ErrorReporting {
  readonly format: typeof formatError;
  readonly log: Logger;
}

/** Formats errors for a websocket client: at most ten. Masked ones are logged with the request id. */
export function formatErrors(
  errors: readonly GraphQLError[],
  { requestId }: Pick<Caller, 'requestId'>,
  { format, log }: ErrorReporting,
): GraphQLFormattedError[] {
  return errors.slice(0, ERRORS_MAX).map((error) => {
    logIfMasked(error, requestId, log);
    return withRequestId(format(error.toJSON(), error), requestId);
  });
}

/** Adds the request id to a masked error, so that its log line can be found. */
function withRequestId(error: GraphQLFormattedError, requestId: string): GraphQLFormattedError {
  const { extensions } = error;
  return extensions?.['code'] === MASKED
    ? { ...error, extensions: { ...extensions, requestId } }
    : error;
}

function constraintMessages({ extensions }: ArgumentValidationError): string {
  const failures = extensions['validationErrors'] as readonly {
    constraints?: Record<string, string>;
  }[];
  return `${failures.flatMap(({ constraints = {} }) => Object.values(constraints)).join('; ')}.`;
}

/**
 * Errors over HTTP: logs masked ones with the request id and limits a response to ten. Sets the status
 * (503 for a fault, 429 for a rate limit) and Retry-After.
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
        const withCode = (code: string) =>
          errors.find(({ extensions }) => extensions?.['code'] === code);
        // Apollo answers 200 to an unknown persisted query.
        if (withCode('BAD_REQUEST')) http.status = 400;
        const fault = withCode('OVERLOADED');
        const later = fault ?? withCode('RATE_LIMITED');
        if (later === undefined) return;
        http.status = fault === undefined ? 429 : 503;
        const retryAfterMs = Number(later.extensions!['retryAfterMs']);
        http.headers.set('retry-after', String(Math.ceil(retryAfterMs / 1000)));
      },
    };
  },
});
