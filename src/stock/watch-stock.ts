import { NewestStream } from '../platform/newest-stream.ts';
import { countStock } from './count-stock.ts';
import type { Database } from '../platform/database.ts';
import type { StockFeed } from './stock-feed.ts';
import type { StockCount } from './stock.rules.ts';

/**
 * The live stock of some products: the current counts of each first, then each change. It listens
 * before it reads, so no change falls between the two, and versions only rise.
 */
export function watchStock(
  shop: { readonly database: Database; readonly stockFeed: StockFeed },
  productIds: readonly number[],
): AsyncIterableIterator<StockCount> {
  const told = new Map<number, number>();
  const tell = (count: StockCount): void => {
    if (count.version <= (told.get(count.productId) ?? -1)) return;
    told.set(count.productId, count.version);
    stream.push(count.productId, count);
  };
  const unsubscribes: (() => void)[] = [];
  const stream = new NewestStream<number, StockCount>(() => {
    for (const unsubscribe of unsubscribes) unsubscribe();
  });
  for (const id of productIds) unsubscribes.push(shop.stockFeed.subscribe(id, tell));
  countStock(shop, productIds)
    .then((counts) => counts.forEach(tell))
    .catch((error: unknown) => stream.fail(error));
  return stream;
}
