import { ApolloLink } from '@apollo/client';
import { map } from 'rxjs';
import { NewestProducts } from '../newest.ts';

/**
 * Keeps the newest value of each product in Apollo's normalised cache. Put it first in the link chain,
 * before the split between HTTP and websocket, so that both pass through one.
 */
export function newestProductsLink(): ApolloLink {
  const products = new NewestProducts();
  return new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      map((result) =>
        'data' in result ? { ...result, data: products.take(result.data) } : result,
      ),
    ),
  );
}
