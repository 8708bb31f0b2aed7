import { holdIsDue, orderIsDue } from '../shop/purchases/status.rules.ts';
import type { Database } from '../postgres/database.ts';
import { Topic } from './topic.ts';

/**
 * Signals that a purchase changed, by the order id that a hold and its order share. A signal carries
 * no state: its subscriber reads the state as committed.
 */
export class PurchaseFeed {
  readonly #topic = new Topic<string, void>();
  readonly #states = new Map<string, string>();

  publish(orderIds: readonly string[]): void {
    for (const orderId of orderIds) this.#topic.publish(orderId);
  }

  /** Calls `listener` at each change until the function returned is called. */
  subscribe(orderId: string, listener: () => void): () => void {
    const unsubscribe = this.#topic.subscribe(orderId, listener);
    return () => {
      unsubscribe();
      if (!this.#topic.has(orderId)) this.#states.delete(orderId);
    };
  }

  /**
   * Reads the states of all watched purchases in one query and signals those that changed since the
   * last call. It finds each change whose change notification was lost.
   */
  async refresh(database: Database): Promise<void> {
    const watched = this.#topic.keys();
    if (watched.length === 0) return;
    for (const { orderId, state } of await database.rows<PurchaseState>(STATES, [watched])) {
      if (!this.#topic.has(orderId) || this.#states.get(orderId) === state) continue;
      this.#states.set(orderId, state);
      this.#topic.publish(orderId);
    }
  }
}

interface PurchaseState {
  readonly orderId: string;
  readonly state: string;
}

const STATES = `
  select h.order_id as "orderId",
    concat_ws(' ', h.status, ${holdIsDue('c.now', 'h')}, o.status, ${orderIsDue('c.now', 'o')}) as state
  from holds h left join orders o on o.id = h.order_id, (select shop_clock() as now) c
  where h.order_id = any($1::uuid[])`;
