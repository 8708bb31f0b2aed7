import {
  getOperationAST,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import type { Logger } from '../../../lib/log.ts';
import { rightsOf, type Caller, type Context } from '../context.ts';
import { badRequestError, Documents, type CheckedDocument } from '../http/documents.ts';
import { formatErrors, errorFormatter } from '../errors.ts';
import { COERCION, variablesError } from '../http/limits.ts';
import { SharedStreams } from './shared-streams.ts';
import type { BackpressuredSocket } from './backpressured-socket.ts';
import type { SocketStreams, Subscribed } from './socket-streams.ts';

/** Time for a client to send `connection_init`. */
const INIT_WAIT_MS = 3000;

/** Most subscriptions on one socket: a page needs two or three. */
export const SUBSCRIPTIONS_MAX = 20;

/** The parts of the subscription server. */
export interface SubscriptionServerOptions {
  readonly schema: GraphQLSchema;
  /** A context whose loaders read current rows for every event. */
  readonly contextOf: (caller: Caller) => Context;
  readonly introspection: boolean;
  /** Shared with the HTTP endpoint; absent: its own. */
  readonly documents?: Documents;
  readonly log: Logger;
}

/** The context of one socket. */
export interface SocketContext {
  readonly caller: Caller;
  readonly socket: BackpressuredSocket;
  readonly streams: SocketStreams;
}

/** The execution arguments of one subscription, and the function that opens it. */
interface Opening extends ExecutionArgs {
  readonly open: () => Promise<Subscribed>;
}

/** The options of graphql-ws: checks each subscription, opens it and formats its errors. */
export function graphqlWsOptions(
  options: SubscriptionServerOptions,
): ServerOptions<Record<string, unknown>, SocketContext> {
  const { schema, contextOf } = options;
  const check = requestCheck(options);
  const { formatAll, formatResult } = errorFormatting(options);
  const shared = new SharedStreams((result, { contextValue }) =>
    formatResult(result, (contextValue as Context).caller),
  );

  return {
    schema,
    connectionInitWaitTimeout: INIT_WAIT_MS,
    async onSubscribe({ extra: { caller, socket, streams } }, id, request) {
      if (!streams.reserve()) {
        return [badRequestError(`A socket carries at most ${SUBSCRIPTIONS_MAX} subscriptions.`)];
      }
      try {
        const checked = await check(request, caller);
        if (checked.errors !== undefined) {
          streams.release();
          return checked.errors;
        }
        const args: ExecutionArgs = {
          schema,
          document: checked.document,
          operationName: request.operationName,
          variableValues: request.variables,
          contextValue: contextOf(caller),
          options: COERCION,
        };
        const shareKey = shareKeyOf(request, caller);
        return {
          ...args,
          open: () => streams.add(shared.subscribe({ args, shareKey, id, socket })),
        } satisfies Opening;
      } catch (error) {
        streams.release();
        throw error;
      }
    },
    subscribe: (args) => (args as Opening).open(),
    onError: ({ extra: { caller } }, _id, _request, errors) => formatAll(errors, caller),
    onNext: ({ extra: { caller } }, _id, _request, _args, result) => formatResult(result, caller),
  };
}

/** Apollo's message over HTTP for an empty document: both endpoints return the same one. */
const NO_QUERY =
  'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';

const SUBSCRIPTIONS_ONLY =
  'Only subscriptions go over the websocket; send queries and mutations by POST.';

/** Checks a request on a socket: its document, that it is a subscription, and its variables. */
function requestCheck(options: SubscriptionServerOptions) {
  const { documents = new Documents(options) } = options;
  const refusal = (message: string): CheckedDocument => ({ errors: [badRequestError(message)] });

  return async (
    { query, operationName, variables }: SubscribePayload,
    caller: Caller,
  ): Promise<CheckedDocument> => {
    const error = query === '' ? NO_QUERY : variablesError(variables);
    if (error !== undefined) return refusal(error);
    const checked = await documents.check(query, caller);
    if (checked.errors !== undefined) return checked;
    const operation = getOperationAST(checked.document, operationName);
    return operation?.operation === 'subscription' ? checked : refusal(SUBSCRIPTIONS_ONLY);
  };
}

/** Formats errors and results as a caller may see them. */
function errorFormatting({ introspection, log }: SubscriptionServerOptions) {
  const reporting = { format: errorFormatter({ introspection }), log };
  const formatAll = (errors: readonly GraphQLError[], caller: Caller) =>
    formatErrors(errors, caller, reporting);
  const formatResult = (result: ExecutionResult, caller: Caller): ExecutionResult =>
    result.errors === undefined
      ? result
      : { ...result, errors: formatAll(result.errors, caller) as never };
  return { formatAll, formatResult };
}

/**
 * Equal for subscriptions with the same results. The text of the query counts, because errors contain
 * lines and columns; the order of variables does not.
 */
function shareKeyOf({ query, operationName, variables }: SubscribePayload, caller: Caller): string {
  const ordered = (_key: string, value: unknown): unknown =>
    isRecord(value)
      ? Object.fromEntries(
          Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : value;
  return JSON.stringify([rightsOf(caller), query, operationName ?? null, variables ?? {}], ordered);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
