import type { Product } from './shop/catalog/find-products.ts';
import type { Settings } from './config/domain-settings.ts';
import { createHolds } from './shop/purchases/create-hold.ts';
import type { HoldRequest } from './shop/purchases/hold.rules.ts';
import { HoldAnswers } from './shop/purchases/hold-answers.ts';
import { HoldTokens } from './shop/purchases/hold-token.ts';
import { UnauthorizedAttempts } from './shop/admin/audit/unauthorized-attempts.ts';
import {
  countAnswers,
  countingMeters,
  measuredLock,
  noopMetrics,
  type Meters,
} from './server/metrics/meters.ts';
import { PurchaseFeed } from './live/purchase-feed.ts';
import type { Database } from './postgres/database.ts';
import { DatabaseClock } from './postgres/database-clock.ts';
import { newId, asRequest } from './lib/ids.ts';
import { BatchQueues, noopObserver, Turns, type BatchObserver } from './lib/batch-queue.ts';
import { createOrders } from './shop/payments/create-order.ts';
import type { PaymentProviders } from './shop/payments/providers/payment-provider.ts';
import { settleBatch } from './shop/payments/inbox/settle-batch.ts';
import type { OrderResult } from './shop/payments/inbox/payment-queues.ts';
import { cancelOrders } from './shop/purchases/cancel-order.ts';
import { releaseHolds } from './shop/purchases/release-hold.ts';
import { PurchaseReads } from './shop/purchases/batches/purchase-reads.ts';
import type { Hold } from './shop/purchases/hold.entity.ts';
import { lockIds } from './postgres/locked-row.ts';
import { ChangeNotifier, type Changes } from './live/change-notifier.ts';
import type { LiveShop } from './live/live-shop.ts';
import { findStockedProducts } from './shop/stock/find-stocked.ts';
import { ProductCache } from './live/product-cache.ts';
import { lockStockRow } from './shop/stock/locked-stock.ts';
import { StockFeed } from './live/stock-feed.ts';
import type { StockCount } from './shop/stock/stock.rules.ts';

type ShopSettings = Pick<
  Settings,
  | 'holdTtlMs'
  | 'orderPaymentTtlMs'
  | 'parkedEventTtlMs'
  | 'requireAmount'
  | 'holdTokenSecrets'
  | 'endpointPolicy'
  | 'batchMax'
  | 'queueMax'
>;

/** The prepared database of a shop, and the observers of its events. */
interface ShopResources {
  readonly database: Database;
  readonly meters?: Meters;
  /** None by default. */
  readonly paymentProviders?: PaymentProviders;
  /** None by default. */
  readonly isReturnOrigin?: (origin: string) => boolean;
}

/** Opens a shop on a prepared database, with the notifier that publishes its changes to the other servers. */
export function openShop(
  {
    database,
    meters = noopMetrics,
    paymentProviders = new Map(),
    isReturnOrigin = () => false,
  }: ShopResources,
  settings: ShopSettings,
): { readonly shop: LiveShop; readonly changeNotifier: ChangeNotifier } {
  const live = createLiveFeeds(database);
  const { stockFeed, productCache, purchaseFeed, changeNotifier } = live;
  const needs = {
    database,
    clock: new DatabaseClock(database),
    log: database.log,
    lockStock: measuredLock(lockStockRow, meters),
    lockOrders: lockIds,
    announceStock: live.announceStock,
    announceProduct: live.announceProduct,
    announcePurchases: live.announcePurchases,
    holdTtlMs: settings.holdTtlMs,
    orderPaymentTtlMs: settings.orderPaymentTtlMs,
    parkedEventTtlMs: settings.parkedEventTtlMs,
    requireAmount: settings.requireAmount,
    endpointPolicy: settings.endpointPolicy,
    paymentProviders,
    paymentStarts: new Map(),
    isReturnOrigin,
    holdTokens: new HoldTokens(settings.holdTokenSecrets),
    stockFeed,
    productCache,
    purchaseFeed,
    reads: new PurchaseReads(database),
    holdAnswers: new HoldAnswers(),
    unauthorizedAttempts: new UnauthorizedAttempts(database),
  } satisfies ShopWithoutQueues;
  return { shop: withQueues(needs, settings, meters), changeNotifier };
}

/** The same time as the lock timeout: within it every waiting buyer gets an answer, if only Busy. */
const WAIT_MAX_MS = 2000;

/** The parts of the shop that the queues need; the queues complete it. */
type ShopWithoutQueues = Omit<
  LiveShop,
  'holdQueues' | 'releaseQueues' | 'cancelQueues' | 'paymentQueues' | 'orderQueues'
>;

/** The queues that group the requests of a shop. */
export function withQueues(
  parts: ShopWithoutQueues,
  { batchMax, queueMax }: Pick<Settings, 'batchMax' | 'queueMax'>,
  meters: Meters = noopMetrics,
): LiveShop {
  const options = { batchMax, queueMax, waitMaxMs: WAIT_MAX_MS };
  const counting = countingMeters(meters, parts.holdAnswers);
  // Batches that move units of one product take turns: none waits for the row lock of another.
  const turns = new Turns<unknown>();
  const grouped = <Request, Answer>(
    commit: (
      shop: LiveShop,
      productId: number,
      batch: readonly Request[],
    ) => Promise<readonly Answer[]>,
    observer: BatchObserver = noopObserver,
  ) =>
    new BatchQueues<number, Request, Answer>(
      (productId, batch) => asRequest(newId(), () => commit(shop, productId, batch)),
      { ...options, observer, turns },
    );
  const shop: LiveShop = {
    ...parts,
    holdQueues: grouped(async (_shop, productId, batch: readonly HoldRequest[]) => {
      const results = await createHolds(_shop, productId, batch);
      countAnswers(results, counting);
      return results;
    }, counting),
    releaseQueues: grouped(releaseHolds),
    cancelQueues: grouped(cancelOrders),
    paymentQueues: grouped(settleBatch),
    orderQueues: new BatchQueues<'orders', Hold, OrderResult>(
      (_all, batch) => asRequest(newId(), () => createOrders(shop, batch)),
      { ...options, observer: noopObserver },
    ),
  };
  return shop;
}

/** The live feeds of this server. Its own changes arrive after commit, others' as change notifications. */
function createLiveFeeds(database: Database) {
  const stockFeed = new StockFeed((ids) => findStockedProducts({ database }, ids));
  const productCache = new ProductCache(database);
  const purchaseFeed = new PurchaseFeed();
  const refresh = (productIds?: readonly number[]): void => {
    productCache.invalidate(productIds);
    stockFeed.changed(productIds);
  };
  const onChanges = ({ stock = [], purchases = [] }: Changes): void => {
    refresh(stock as readonly number[]);
    purchaseFeed.publish(purchases as readonly string[]);
  };
  const onGap = (): void => {
    refresh();
    purchaseFeed.refresh(database).catch(() => {});
  };
  const changeNotifier = new ChangeNotifier(
    database.connection,
    { onChanges, onGap },
    database.log,
  );
  const announceStock = (count: StockCount): void => {
    productCache.stockChanged(count);
    stockFeed.changed([count.productId]);
    changeNotifier.publish('stock', [count.productId]);
  };
  const announceProduct = (product: Product): void => {
    productCache.productChanged(product);
    stockFeed.changed([product.id]);
    changeNotifier.publish('stock', [product.id]);
  };
  const announcePurchases = (orderIds: readonly string[]): void => {
    purchaseFeed.publish(orderIds);
    changeNotifier.publish('purchases', orderIds);
  };
  return {
    stockFeed,
    productCache,
    purchaseFeed,
    changeNotifier,
    announceStock,
    announceProduct,
    announcePurchases,
  };
}
