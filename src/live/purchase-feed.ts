import { holdIsDue, orderIsDue } from '../shop/purchases/status.rules.ts';
import type { Database } from '../postgres/database.ts';
import { Topic } from './topic.ts';

/**
 * Signals that a purchase changed: a hold and its order share one story, and the order's id is the
 * name of both. A signal carries no state; whoever follows the story reads it as committed.
 */
export class PurchaseFeed {
  readonly #topic = new Topic<string, void>();
  readonly #seen = new Map<string, string>();

  publish(orderIds: readonly string[]): void {
    for (const orderId of orderIds) this.#topic.publish(orderId);
  }

  /** Calls `listener` at each change until the function returned is called. */
  subscribe(orderId: string, listener: () => void): () => void {
    const unsubscribe = this.#topic.subscribe(orderId, listener);
    return () => {
      unsubscribe();
      if (!this.#topic.has(orderId)) this.#seen.delete(orderId);
    };
  }

  /**
   * Looks at all watched purchases in one query and signals those that changed since the last look:
   * the net under every notice that was lost.
   */
  async refresh(database: Database): Promise<void> {
    const watched = this.#topic.keys();
    if (watched.length === 0) return;
    for (const { orderId, state } of await database.rows<Seen>(STATES, [watched])) {
      if (!this.#topic.has(orderId) || this.#seen.get(orderId) === state) continue;
      this.#seen.set(orderId, state);
      this.#topic.publish(orderId);
    }
  }
}

interface Seen {
  readonly orderId: string;
  readonly state: string;
}

const STATES = `
  select h.order_id as "orderId",
    concat_ws(' ', h.status, ${holdIsDue('c.now', 'h')}, o.status, ${orderIsDue('c.now', 'o')}) as state
  from holds h left join orders o on o.id = h.order_id, (select shop_clock() as now) c
  where h.order_id = any($1::uuid[])`;
