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

/** Largest request body. The largest query of a client needs a tenth of it. */
const BODY_BYTES_MAX = 128 * 1024;

/**
 * Sixteen operations take about a millisecond, short enough between two responses of the database. The
 * longest wait equals the lock timeout; after it, the client gets OVERLOADED.
 */
const PACER_LIMITS = { perTurn: 16, waitMaxMs: 2000 } as const;

/** The options of GraphQL over HTTP. */
export interface GraphqlHttpOptions {
  readonly schema: GraphQLSchema;
  /** Reads the caller from the request's headers. */
  readonly callerOf: (request: IncomingMessage) => Caller;
  readonly contextOf: (caller: Caller) => Context;
  readonly introspection: boolean;
  /** Shared with the websocket endpoint; by default its own. */
  readonly documents?: Documents;
  readonly log: Logger;
}

/** GraphQL over HTTP. */
export interface GraphqlHttp {
  /** Answers one `POST /graphql`. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  stop(): Promise<void>;
}

/** Starts Apollo Server and connects it to Node's HTTP server. */
export async function openGraphqlHttp(options: GraphqlHttpOptions): Promise<GraphqlHttp> {
  const { callerOf, contextOf } = options;
  const apollo = newApollo(options);
  await apollo.start();
  return {
    handle: paced(
      apolloOnNode(apollo, {
        ...options,
        contextOf: (request) => contextOf(callerOf(request)),
      }),
    ),
    stop: () => apollo.stop(),
  };
}

/** The options of the integration of Apollo Server with Node's HTTP server. */
export interface ApolloOnNodeOptions<ContextValue> {
  readonly contextOf: (request: IncomingMessage) => ContextValue | Promise<ContextValue>;
  readonly log: Logger;
}

/**
 * A request listener for any started Apollo Server, through its documented integration interface
 * (executeHTTPGraphQLRequest). Express would cost each operation as much again as Apollo does.
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
      const result = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: 'POST',
          headers: headersOf(request),
          search: searchOf(request),
          body,
        },
        context: async () => contextOf(request),
      });
      for (const [name, value] of result.headers) response.setHeader(name, value);
      if (result.body.kind !== 'complete') throw new Error('Incremental delivery is not supported');
      response.statusCode = result.status ?? 200;
      response.end(result.body.string);
    } catch (error) {
      if (error instanceof BodyError)
        return answerJson(response, error.status, requestError(error.message));
      log.error({ err: error }, 'A GraphQL request failed unexpectedly');
      answerJson(response, 500, requestError('Internal server error.'));
    }
  };

  return (request, response) => void answer(request, response);
}

/** Paces a handler: a bounded number of requests start in each turn of the event loop. */
function paced(handle: GraphqlHttp['handle']): GraphqlHttp['handle'] {
  const pacer = new RequestPacer(PACER_LIMITS);
  return (request, response) =>
    pacer.enqueue({
      isClosed: () => response.destroyed,
      // The pacer starts all requests of a turn in one callback. Without bind, they would all have the
      // request id of the request that scheduled it.
      start: AsyncLocalStorage.bind(() => handle(request, response)),
      reject: () => answerOverloaded(response),
    });
}

function newApollo({
  schema,
  introspection,
  documents = new Documents({ schema, introspection }),
  log,
}: GraphqlHttpOptions): ApolloServer<Context> {
  const format = errorFormatter({ introspection });
  const compileLater = (compile: () => void): boolean => documents.budget.addBackground(compile);
  return new ApolloServer<Context>({
    gateway: gatewayOf(schema, compilingExecute({ compileLater })),
    // The limits of this server refuse introspection. Apollo's own check has a different message, which
    // would reveal the library.
    introspection: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    persistedQueries: false,
    documentStore: null,
    logger: log as never,
    formatError: format,
    plugins: [
      checkedDocuments(documents, { format, log }),
      errorsOverHttp(log),
      noSubscriptions,
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
    ],
  });
}

/** Apollo would execute a subscription as a query and answer with an internal error. */
const noSubscriptions: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    async didResolveOperation({ operation }) {
      if (operation?.operation !== 'subscription') return;
      throw new GraphQLError('Send subscriptions over the websocket at this path.', {
        extensions: { code: 'BAD_REQUEST' },
      });
    },
  }),
};

/** The parsed body; undefined if the content type is not JSON, which Apollo answers with 400 and CSRF advice. */
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
    throw new BodyError(400, 'Invalid JSON in the request body.');
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

function answerOverloaded(response: ServerResponse): void {
  const message = 'Too many requests are waiting for this server. No changes were made.';
  const extensions = { code: 'OVERLOADED', retryAfterMs: 1000 };
  answerJson(response, 503, JSON.stringify({ errors: [{ message, extensions }] }), {
    'retry-after': '1',
  });
}

function requestError(message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
}
