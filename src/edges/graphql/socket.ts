import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  GraphQLError,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import { useServer, type Extra } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Logger } from '../../platform/log.ts';
import type { Caller, Context } from './context.ts';
import { logIfMasked, tellError, withRequestId } from './errors.ts';
import { limitRules, TOKENS_MAX } from './limits.ts';

/** A subscription's document and variables fit easily; a longer message is not one of ours. */
const MESSAGE_BYTES_MAX = 16 * 1024;

/** A client that opens a socket says what it wants within this. */
const INIT_WAIT_MS = 3000;

/** A ping to each socket this often finds the dead ones. */
const PING_MS = 12_000;

/** A client that does not answer the goodbye is cut off after this. */
const GOODBYE_MS = 1000;

/** Most subscriptions on one socket: a page needs two or three. */
const SUBSCRIPTIONS_MAX = 20;

/** What the GraphQL door over websockets is made of. */
export interface GraphqlSocketOptions {
  readonly schema: GraphQLSchema;
  readonly callerOf: (request: IncomingMessage) => Caller;
  /** A context that reads afresh at every event. */
  readonly contextOf: (caller: Caller) => Context;
  readonly isAllowedOrigin: (origin: string) => boolean;
  readonly introspection: boolean;
  readonly log: Logger;
}

/** The GraphQL door over websockets. */
export interface GraphqlSocket {
  /** Takes over the connection of an upgrade request to /graphql. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells every socket that the server goes away (1001), so that its client resumes elsewhere. */
  stop(): Promise<void>;
}

/** Opens the door for subscriptions, and for nothing else: queries and mutations go by HTTP. */
export function openGraphqlSocket(options: GraphqlSocketOptions): GraphqlSocket {
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  const disposable = useServer<Record<string, unknown>, { caller?: Caller }>(
    conversationOf(options),
    server,
    PING_MS,
  );

  return {
    upgrade(request, socket, head) {
      const { origin } = request.headers;
      if (origin !== undefined && !options.isAllowedOrigin(origin)) {
        return void socket.end(
          'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        );
      }
      server.handleUpgrade(request, socket, head, (client) =>
        server.emit('connection', client, request),
      );
    },
    async stop() {
      const stubborn = setTimeout(() => {
        for (const client of server.clients) client.terminate();
      }, GOODBYE_MS);
      await disposable.dispose();
      clearTimeout(stubborn);
    },
  };
}

/** What a socket carries: the request that opened it, and who asks. */
type Known = Extra & { caller?: Caller };

/** How the door answers on each socket: who asks, what it may subscribe to, and how errors are told. */
function conversationOf(
  options: GraphqlSocketOptions,
): ServerOptions<Record<string, unknown>, Known> {
  const { schema, log, callerOf, contextOf } = options;
  const rules = [...specifiedRules, ...limitRules(options)];
  const told = (error: unknown, { requestId }: Caller) => {
    const known = asError(error);
    logIfMasked(known, requestId, log);
    return withRequestId(tellError(known.toJSON(), known), requestId);
  };

  return {
    schema,
    connectionInitWaitTimeout: INIT_WAIT_MS,
    onConnect: ({ extra }) => {
      extra.caller = callerOf(extra.request);
    },
    context: ({ extra }) => contextOf(extra.caller!),
    onSubscribe: ({ subscriptions, extra }, _id, { query, operationName, variables }) => {
      if (Object.keys(subscriptions).length > SUBSCRIPTIONS_MAX) {
        return [refused(`A socket carries at most ${SUBSCRIPTIONS_MAX} subscriptions.`)];
      }
      const checked = check(schema, rules, query, operationName);
      if (checked.errors !== undefined) return checked.errors;
      return {
        schema,
        document: checked.document,
        operationName,
        variableValues: variables,
        contextValue: contextOf(extra.caller!),
      };
    },
    onError: ({ extra }, _id, _payload, errors) =>
      errors.map((error) => told(error, extra.caller!)),
    onNext: ({ extra }, _id, _payload, _args, result) =>
      result.errors === undefined
        ? result
        : {
            ...result,
            errors: result.errors.map((error) => told(error, extra.caller!)) as never,
          },
  };
}

type Checked =
  | { readonly document: ReturnType<typeof parse>; readonly errors?: undefined }
  | { readonly errors: readonly GraphQLError[] };

/** The same limits as over HTTP, and subscriptions only. */
function check(
  schema: GraphQLSchema,
  rules: readonly ValidationRule[],
  query: string,
  operationName: string | null | undefined,
): Checked {
  let document: ReturnType<typeof parse>;
  try {
    document = parse(query, { maxTokens: TOKENS_MAX });
  } catch (error) {
    return { errors: [coded(asError(error), 'GRAPHQL_PARSE_FAILED')] };
  }
  const errors = validate(schema, document, rules, { maxErrors: 10 });
  if (errors.length > 0)
    return { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) };
  const operation = getOperationAST(document, operationName);
  if (operation?.operation === 'subscription') return { document };
  return {
    errors: [
      refused('Only subscriptions go over the websocket; send queries and mutations by POST.'),
    ],
  };
}

/** The error with the code that Apollo gives it over HTTP. */
function coded({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}

function refused(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

function asError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const { message, ...rest } = error as { message: string };
  return new GraphQLError(message, rest);
}
