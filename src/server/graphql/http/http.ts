import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApolloServer, HeaderMap, type ApolloServerPlugin, type BaseContext } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Logger } from '../../../lib/log.ts';
import { answerJson, BodyError, isPlainJson, readBody, textOf } from '../../http/body.ts';
import { RequestPacer } from '../../http/request-pacer.ts';
import { checkedDocuments } from './checked-documents.ts';
import type { Caller, Context } from '../context.ts';
import { Documents } from './documents.ts';
import { errorsOverHttp, errorFormatter } from '../errors.ts';
import { compilingExecute, gatewayOf } from './executor.ts';
import { jsonTextError, variablesError } from './limits.ts';

/** A page of a big selection fits in a tenth of this; a body beyond it is not one of ours. */
const BODY_BYTES_MAX = 128 * 1024;

/**
 * Sixteen operations are about a millisecond of work, short enough between two answers of the
 * database. The wait is as long as that for a lock: then a buyer is told to come again.
 */
const ENTRANCE_LIMITS = { perTurn: 16, waitMaxMs: 2000 } as const;

/** What the GraphQL door over HTTP is made of. */
export interface GraphqlHttpOptions {
  readonly schema: GraphQLSchema;
  /** Who asks, by the request's headers. */
  readonly callerOf: (request: IncomingMessage) => Caller;
  readonly contextOf: (caller: Caller) => Context;
  readonly introspection: boolean;
  /** Shared with the websocket endpoint; absent: its own. */
  readonly documents?: Documents;
  readonly log: Logger;
}

/** The GraphQL door over HTTP. */
export interface GraphqlHttp {
  /** Answers one `POST /graphql`. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  stop(): Promise<void>;
}

/** Opens the door: our Apollo Server, started, on Node's own HTTP server. */
export async function openGraphqlHttp(options: GraphqlHttpOptions): Promise<GraphqlHttp> {
  const { callerOf, contextOf } = options;
  const apollo = newApollo(options);
  await apollo.start();
  return {
    handle: inTurn(
      apolloOnNode(apollo, {
        ...options,
        contextOf: (request) => contextOf(callerOf(request)),
      }),
    ),
    stop: () => apollo.stop(),
  };
}

/** What stands between Node's HTTP server and an Apollo Server. */
export interface ApolloOnNodeOptions<ContextValue> {
  readonly contextOf: (request: IncomingMessage) => ContextValue | Promise<ContextValue>;
  readonly log: Logger;
}

/**
 * Any started Apollo Server as a listener of Node's own HTTP server, through its documented
 * integration interface (executeHTTPGraphQLRequest): express would cost each operation as much
 * again as Apollo does.
 */
export function apolloOnNode<ContextValue extends BaseContext>(
  apollo: ApolloServer<ContextValue>,
  { contextOf, log }: ApolloOnNodeOptions<ContextValue>,
): GraphqlHttp['handle'] {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (request.method !== 'POST') {
        return answerJson(response, 405, requestError('Operations are sent by POST.'), {
          allow: 'POST',
        });
      }
      const body = await readOperation(request);
      const answered = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: 'POST',
          headers: headersOf(request),
          search: searchOf(request),
          body,
        },
        context: async () => contextOf(request),
      });
      for (const [name, value] of answered.headers) response.setHeader(name, value);
      const { body: result } = answered;
      if (result.kind !== 'complete') throw new Error('No operation here is answered in parts');
      response.statusCode = answered.status ?? 200;
      response.end(result.string);
    } catch (error) {
      if (error instanceof BodyError)
        return answerJson(response, error.status, requestError(error.message));
      log.error({ err: error }, 'The GraphQL door failed');
      answerJson(response, 500, requestError('Something went wrong on our side.'));
    }
  };

  return (request, response) => void answer(request, response);
}

/** The same handler, entered by so many requests in each turn of the event loop, each as itself. */
function inTurn(handle: GraphqlHttp['handle']): GraphqlHttp['handle'] {
  const entrance = new RequestPacer(ENTRANCE_LIMITS);
  return (request, response) =>
    entrance.come({
      isGone: () => response.destroyed,
      // Who opens the door in a turn is any of them: without this all would bear that one's request id.
      enter: AsyncLocalStorage.bind(() => handle(request, response)),
      turnAway: () => turnAway(response),
    });
}

function newApollo({
  schema,
  introspection,
  documents = new Documents({ schema, introspection }),
  log,
}: GraphqlHttpOptions): ApolloServer<Context> {
  const tell = errorFormatter({ introspection });
  const compileLater = (compile: () => void): boolean => documents.budget.addBackground(compile);
  return new ApolloServer<Context>({
    gateway: gatewayOf(schema, compilingExecute({ compileLater })),
    // Apollo's own ban would stand beside ours, and tell what is served by which library.
    introspection: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    persistedQueries: false,
    documentStore: null,
    logger: log as never,
    formatError: tell,
    plugins: [
      checkedDocuments(documents, { tell, log }),
      errorsOverHttp(log),
      noSubscriptions,
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
    ],
  });
}

/** Apollo would execute one as if it were a query, and fail as if it were our fault. */
const noSubscriptions: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    async didResolveOperation({ operation }) {
      if (operation?.operation !== 'subscription') return;
      throw new GraphQLError('Subscriptions go over the websocket at this path.', {
        extensions: { code: 'BAD_REQUEST' },
      });
    },
  }),
};

/** The parsed body; undefined where it is not JSON, which Apollo answers with 400 and CSRF advice. */
async function readOperation(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, BODY_BYTES_MAX);
  if (!isPlainJson(request)) return undefined;
  const text = textOf(body);
  const tooMany = jsonTextError(text);
  if (tooMany !== undefined) throw new BodyError(400, tooMany);
  const operation = parseJson(text);
  const wrong = variablesError((operation as { variables?: unknown } | null)?.variables);
  if (wrong !== undefined) throw new BodyError(400, wrong);
  return operation;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError(400, 'Invalid JSON in the body.');
  }
}

function headersOf({ headers }: IncomingMessage): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

function searchOf({ url = '' }: IncomingMessage): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start);
}

function turnAway(response: ServerResponse): void {
  const message = 'Too many wait for this server; nothing was done.';
  const extensions = { code: 'OVERLOADED', retryAfterMs: 1000 };
  answerJson(response, 503, JSON.stringify({ errors: [{ message, extensions }] }), {
    'retry-after': '1',
  });
}

function requestError(message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
}
