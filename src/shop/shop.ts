import type { Logger } from '../lib/log.ts';
import type { Database } from '../postgres/database.ts';
import type { DatabaseClock } from '../postgres/database-clock.ts';
import type { Transaction } from '../postgres/transaction.ts';
import type { UnauthorizedAttempts } from './admin/audit/unauthorized-attempts.ts';
import type { Product } from './catalog/product.entity.ts';
import type { EndpointPolicy } from './events/endpoint-url.ts';
import type { PaymentProviders } from './payments/providers/payment-provider.ts';
import type { StartAnswer } from './payments/providers/payment-session.ts';
import type { OrderQueues, PaymentQueues } from './payments/inbox/payment-queues.ts';
import type { CancelQueues, HoldQueues, ReleaseQueues } from './purchases/batches/queues.ts';
import type { PurchaseReads } from './purchases/batches/purchase-reads.ts';
import type { HoldAnswers } from './purchases/hold-answers.ts';
import type { HoldTokens } from './purchases/hold-token.ts';
import type { StockCount } from './stock/stock.rules.ts';

/**
 * What every use case receives: the database, the shop's settings in domain units, and the parts that
 * requests share. A use case that needs less takes `Pick<Shop, …>`.
 */
export interface Shop {
  readonly database: Database;
  /** The database's clock for windows of minutes, without a round trip. Deadlines never use it. */
  readonly clock: DatabaseClock;
  readonly log: Logger;

  /** How long a hold lasts, in milliseconds. */
  readonly holdTtlMs: number;
  /** How long an order awaits its payment, in milliseconds. */
  readonly orderPaymentTtlMs: number;
  /** How long a parked payment event waits for an order that is never created, in milliseconds. */
  readonly parkedEventTtlMs: number;
  /** Whether a successful payment must name its amount. */
  readonly requireAmount: boolean;

  /** Where webhook endpoints may be. */
  readonly endpointPolicy: EndpointPolicy;

  /** The enabled payment providers; the first one that can start payments is the default. */
  readonly paymentProviders: PaymentProviders;
  /** Payments that this process starts at this moment, by order and provider. */
  readonly paymentStarts: Map<string, Promise<StartAnswer>>;
  /** Whether a buyer may be sent back to pages of this origin. */
  readonly isReturnOrigin: (origin: string) => boolean;

  /** Signs and verifies hold tokens. */
  readonly holdTokens: HoldTokens;
  /** Reads of holds and orders that requests of one turn of the event loop share. */
  readonly reads: PurchaseReads;
  /** This process's answers to requests for holds, counted. */
  readonly holdAnswers: HoldAnswers;
  /** Requests for holds, grouped so that those of one product share a commit. */
  readonly holdQueues: HoldQueues;
  /** Releases of holds, likewise. */
  readonly releaseQueues: ReleaseQueues;
  /** Cancellations of orders, likewise. */
  readonly cancelQueues: CancelQueues;
  /** Payment events of pending orders, likewise. */
  readonly paymentQueues: PaymentQueues;
  /** Holds that become orders: those of all products share a commit, because no units move. */
  readonly orderQueues: OrderQueues;
  /** Admin calls without the admin token, for the audit log. */
  readonly unauthorizedAttempts: UnauthorizedAttempts;

  /**
   * Locks one product's stock row and returns its counters; null for an unknown product. The twin
   * of a race test replaces it with one that takes no lock.
   */
  readonly lockStock: (tx: Transaction, productId: number) => Promise<StockCount | null>;
  /** Locks order ids, before all other locks. The twin of a race test replaces it as well. */
  readonly lockOrders: (tx: Transaction, orderIds: readonly string[]) => Promise<void>;

  /** Publishes a product's new counters; called after the commit. */
  readonly announceStock: (count: StockCount) => void;
  /** Publishes a product's new name, price or terms; called after the commit. */
  readonly announceProduct: (product: Product) => void;
  /** Publishes that purchases changed, by order id; called after the commit. */
  readonly announcePurchases: (orderIds: readonly string[]) => void;
}
