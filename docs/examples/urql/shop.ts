import {
  Client,
  createRequest,
  fetchExchange,
  subscriptionExchange,
  type CombinedError,
} from '@urql/core';
import { closeSocket, fetchInTime, openSocket } from '../connection.ts';
import { callFailed, type CallFailed, type ShopClient } from '../shop-client.ts';

/** The shop through urql. `url` is that of /graphql: https for calls, wss for streams. */
export function openShop(url: string): ShopClient {
  const socket = openSocket(url.replace(/^http/, 'ws'));
  let subscribed = 0;
  const client = new Client({
    url,
    requestPolicy: 'network-only',
    fetch: fetchInTime,
    // By default urql sends short queries by GET; the shop accepts POST only.
    preferGetMethod: false,
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: { ...variables } }, sink),
          }),
        }),
      }),
    ],
  });

  return {
    async query(query, variables) {
      const { data, error } = await client.query(query, variables);
      if (error) throw failureOf(error);
      return data!;
    },
    async mutate(mutation, variables) {
      const { data, error } = await client.mutation(mutation, variables);
      if (error) throw failureOf(error);
      return data!;
    },
    subscribe(query, variables, observer) {
      // A unique key: by default a second, equal subscription joins the first, and misses the state
      // sent before it. Keys of urql are not negative.
      const request = { ...createRequest(query, variables), key: (subscribed -= 1) };
      const subscription = client.executeSubscription(request).subscribe(({ data, error }) => {
        if (error) observer.failed(failureOf(error));
        else observer.next(data!);
      });
      return () => subscription.unsubscribe();
    },
    close() {
      closeSocket(socket);
    },
  };
}

function failureOf(error: CombinedError): CallFailed {
  return callFailed(error, error.graphQLErrors);
}
