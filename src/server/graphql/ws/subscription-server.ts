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
import { badRequestError, Documents, type Checked } from '../http/documents.ts';
import { formatErrors, errorFormatter } from '../errors.ts';
import { COERCION, variablesError } from '../http/limits.ts';
import { SharedStreams } from './shared-streams.ts';
import type { BackpressuredSocket } from './backpressured-socket.ts';
import type { SocketStreams, Subscribed } from './socket-streams.ts';

/** A client that opens a socket says what it wants within this. */
const INIT_WAIT_MS = 3000;

/** Most subscriptions on one socket: a page needs two or three. */
export const SUBSCRIPTIONS_MAX = 20;

/** What a conversation is about. */
export interface ConversationOptions {
  readonly schema: GraphQLSchema;
  /** A context that reads afresh at every event. */
  readonly contextOf: (caller: Caller) => Context;
  readonly introspection: boolean;
  /** Shared with the HTTP endpoint; absent: its own. */
  readonly documents?: Documents;
  readonly log: Logger;
}

/** What each socket has of its own. */
export interface Party {
  readonly caller: Caller;
  readonly line: BackpressuredSocket;
  readonly streams: SocketStreams;
}

/** What is executed for one subscriber, and how it is opened. */
interface Opening extends ExecutionArgs {
  readonly open: () => Promise<Subscribed>;
}

/** How graphql-ws talks on every socket: what may be subscribed to, by whom, and how errors are told. */
export function conversationOf(
  options: ConversationOptions,
): ServerOptions<Record<string, unknown>, Party> {
  const { schema, contextOf } = options;
  const check = checkingOf(options);
  const { toldErrors, toldResult } = tellingOf(options);
  const shared = new SharedStreams((result, { contextValue }) =>
    toldResult(result, (contextValue as Context).caller),
  );

  return {
    schema,
    connectionInitWaitTimeout: INIT_WAIT_MS,
    async onSubscribe({ extra: { caller, line, streams } }, id, request) {
      if (!streams.take()) {
        return [badRequestError(`A socket carries at most ${SUBSCRIPTIONS_MAX} subscriptions.`)];
      }
      try {
        const checked = await check(request, caller);
        if (checked.errors !== undefined) {
          streams.giveBack();
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
        const asked = { args, sameness: samenessOf(request, caller), id, line };
        return { ...args, open: () => streams.fill(shared.subscribe(asked)) } satisfies Opening;
      } catch (error) {
        streams.giveBack();
        throw error;
      }
    },
    subscribe: (args) => (args as Opening).open(),
    onError: ({ extra: { caller } }, _id, _request, errors) => toldErrors(errors, caller),
    onNext: ({ extra: { caller } }, _id, _request, _args, result) => toldResult(result, caller),
  };
}

/** Apollo's message over HTTP, where an empty text is no document: both endpoints answer alike. */
const NO_QUERY =
  'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';

const SUBSCRIPTIONS_ONLY =
  'Only subscriptions go over the websocket; send queries and mutations by POST.';

/** Checks what is asked for on a socket: a known document that has the subscription, and variables. */
function checkingOf(options: ConversationOptions) {
  const { documents = new Documents(options) } = options;
  const refused = (message: string): Checked => ({ errors: [badRequestError(message)] });

  return async (
    { query, operationName, variables }: SubscribePayload,
    caller: Caller,
  ): Promise<Checked> => {
    const wrong = query === '' ? NO_QUERY : variablesError(variables);
    if (wrong !== undefined) return refused(wrong);
    const checked = await documents.check(query, caller);
    if (checked.errors !== undefined) return checked;
    const operation = getOperationAST(checked.document, operationName);
    return operation?.operation === 'subscription' ? checked : refused(SUBSCRIPTIONS_ONLY);
  };
}

/** Errors and results as a caller may see them. */
function tellingOf({ introspection, log }: ConversationOptions) {
  const reporting = { format: errorFormatter({ introspection }), log };
  const toldErrors = (errors: readonly GraphQLError[], caller: Caller) =>
    formatErrors(errors, caller, reporting);
  const toldResult = (result: ExecutionResult, caller: Caller): ExecutionResult =>
    result.errors === undefined
      ? result
      : { ...result, errors: toldErrors(result.errors, caller) as never };
  return { toldErrors, toldResult };
}

/**
 * Equal for those to whom the same text may be told. The query counts to the letter, because errors
 * name lines and columns; the order in which variables are given does not.
 */
function samenessOf({ query, operationName, variables }: SubscribePayload, caller: Caller): string {
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
