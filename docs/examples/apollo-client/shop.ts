import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { closeSocket, fetchInTime, openSocket } from '../connection.ts';
import { callFailed, type CallFailed, type ShopClient } from '../shop-client.ts';

/**
 * The shop through Apollo Client.
 *
 * @param url that of /graphql: https for calls, wss for streams
 * @param socket the websocket of the page; the shop closes it
 */
export function openShop(url: string, socket = openSocket(url.replace(/^http/, 'ws'))): ShopClient {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    // By default a second, equal subscription joins the first, and misses the state sent before it.
    queryDeduplication: false,
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, fetch: fetchInTime }),
    ),
  });

  return {
    async query(query, variables) {
      const { data } = await client
        .query({ query, variables, fetchPolicy: 'no-cache' })
        .catch(rethrow);
      return data!;
    },
    async mutate(mutation, variables) {
      const { data } = await client
        .mutate({ mutation, variables, fetchPolicy: 'no-cache' })
        .catch(rethrow);
      return data!;
    },
    subscribe(query, variables, observer) {
      const subscription = client
        .subscribe({ query, variables, fetchPolicy: 'no-cache' })
        .subscribe(({ data, error }) => {
          if (error) observer.failed(failureOf(error));
          else observer.next(data!);
        });
      return () => subscription.unsubscribe();
    },
    close() {
      client.stop();
      closeSocket(socket);
    },
  };
}

function failureOf(error: Error): CallFailed {
  return callFailed(error, CombinedGraphQLErrors.is(error) ? error.errors : []);
}

function rethrow(error: Error): never {
  throw failureOf(error);
}
