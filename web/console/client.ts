import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { closeSocket, fetchInTime, openSocket } from '../../docs/examples/connection.ts';

/** The address of the API: beside the page, under any path prefix of a proxy. */
function endpoint(): URL {
  const { pathname, href } = window.location;
  return new URL(pathname.replace(/\/console\/?$/, '/graphql'), href);
}

/** A client of the admin API, and its end. */
export interface ConsoleClient {
  readonly apollo: ApolloClient;
  close(): void;
}

/**
 * Opens a client that sends the admin token in the header of each call, never in a URL. The websocket
 * carries public stock only, so it sends no token.
 */
export function openClient(token: string): ConsoleClient {
  const url = endpoint();
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = openSocket(socketUrl.href);
  const headers = { authorization: `Bearer ${token}` };
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    // Lists are pages of the server and change all the time: nothing is kept.
    defaultOptions: {
      watchQuery: { fetchPolicy: 'no-cache' },
      query: { fetchPolicy: 'no-cache' },
      mutate: { fetchPolicy: 'no-cache' },
    },
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url.href, headers, fetch: fetchInTime }),
    ),
  });
  return {
    apollo,
    close() {
      apollo.stop();
      closeSocket(socket);
    },
  };
}

/** The server's code of a failed call; undefined if there was no answer. */
export function codeOf(error: unknown): string | undefined {
  if (!CombinedGraphQLErrors.is(error)) return undefined;
  const code = error.errors[0]?.extensions?.['code'];
  return typeof code === 'string' ? code : undefined;
}

/** Why a call failed, as a sentence. */
export function failureText(error: unknown): string {
  if (!CombinedGraphQLErrors.is(error)) return 'The server does not answer. Check the connection.';
  const [first] = error.errors;
  if (codeOf(error) === 'UNAUTHENTICATED') return 'The server does not accept this admin token.';
  const { retryAfterMs } = (first?.extensions ?? {}) as { retryAfterMs?: number };
  const wait = retryAfterMs === undefined ? '' : ` (${Math.ceil(retryAfterMs / 1000)} s)`;
  return `${first?.message ?? 'The call failed.'}${wait}`;
}
