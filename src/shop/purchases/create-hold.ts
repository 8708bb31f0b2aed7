import { createHash } from 'node:crypto';
import { newId } from '../../lib/ids.ts';
import { BusyFault } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { isRefusal, productNotFound } from '../refusal.ts';
import { lockStock, type LockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { readBatchFacts, type BatchFacts } from './batch-facts.ts';
import { endDue } from './due-units.ts';
import type { BatchAnswer, HoldAnswer } from './queues.ts';
import type { Hold } from './hold.entity.ts';
import { decideHolds, type HoldDecision, type HoldRequest } from './hold.rules.ts';
import type { Shop } from '../shop.ts';

/** What one buyer asks createHold for. */
export interface CreateHold {
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
  /** The client's secret; only its hash is kept. */
  readonly idempotencyKey: string | null;
}

/** A key taken by a rival in flight is seen the next time; a third time would be a fault of ours. */
const TRIES_MAX = 3;

/**
 * Holds units for one buyer until the deadline. With an idempotency key the same call gives the
 * same hold, however often and however parallel; refusals are not remembered.
 *
 * @throws BusyFault when the queue is full or the product's lock was not available in time
 */
export async function createHold(
  shop: Shop,
  { productId, quantity, customerId, idempotencyKey }: CreateHold,
): Promise<HoldAnswer> {
  const keyHash = idempotencyKey === null ? null : sha256(idempotencyKey);
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const answer = await shop.holdQueues.submit(productId, { quantity, customerId, keyHash });
    if ('keyTaken' in answer) continue;
    if (!isRefusal(answer)) tellHold(shop, answer);
    return answer;
  }
  throw new BusyFault('This idempotency key is being used for other products; nothing was done.');
}

/** At debug: a sale makes thousands of holds a second. A replay says it again, with the same id. */
function tellHold({ database: { log } }: Shop, { id, productId, quantity }: Hold): void {
  log.debug({ holdId: id, productId, quantity }, 'Hold created successfully');
}

/** Holds units for a whole batch of buyers of one product, in one transaction, answering each in turn. */
export async function createHolds(
  shop: Shop,
  productId: number,
  requests: readonly HoldRequest[],
): Promise<readonly BatchAnswer[]> {
  return transact(shop.database, async (tx) => {
    // One flush: the facts are read behind the lock, once it is had.
    const [stock, facts] = await Promise.all([
      lockStock(shop, tx, productId),
      readBatchFacts(tx, productId, requests),
    ]);
    if (stock === undefined || facts === undefined) return requests.map(() => productNotFound);
    let decisions = decideHolds(facts, stock.count, requests);
    if (facts.mayReclaim && decisions.some(lacksUnits) && (await endDue(shop, tx, stock))) {
      decisions = decideHolds(facts, stock.count, requests);
    }
    return serve(shop, stock, facts, decisions);
  });
}

function lacksUnits(decision: HoldDecision<Hold>): boolean {
  return isRefusal(decision) && decision.code === 'INSUFFICIENT_STOCK';
}

/**
 * All holds of a batch in one insert from arrays: below the ORM's unit of work, which writes its
 * values into the text and cannot be prepared. In key order, so that two servers that insert the
 * same keys cannot deadlock on them; a key that a rival took meanwhile moves no units.
 */
const INSERT_HOLDS = unitMove({
  changed: `
    insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash,
      unit_price_minor, currency, status, created_at, expires_at, held_version)
    select id, order_id, $1, quantity, customer_id, key_hash, $8, $9, 'ACTIVE', $10, $11, $2
    from unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[])
      as request(id, order_id, quantity, customer_id, key_hash)
    order by key_hash
    on conflict (idempotency_key_hash) where idempotency_key_hash is not null do nothing
    returning id, quantity`,
  buckets: { available: -1, held: 1 },
  cause: 'HOLD',
});

async function serve(
  shop: Shop,
  stock: LockedStock,
  facts: BatchFacts,
  decisions: readonly HoldDecision<Hold>[],
): Promise<BatchAnswer[]> {
  const holds = new Map<HoldRequest, Hold>();
  for (const decision of decisions) {
    if ('serve' in decision)
      holds.set(decision.serve, openHold(shop, stock, facts, decision.serve));
  }
  const made = await insertHolds(stock, facts, [...holds.values()]);
  return decisions.map((decision) => {
    if (isRefusal(decision)) return decision;
    const holder = 'serve' in decision ? decision.serve : decision.repeat;
    const hold = 'id' in holder ? holder : holds.get(holder)!;
    return 'id' in holder || made.has(hold.id) ? hold : { keyTaken: true };
  });
}

function openHold(
  { holdTtlMs }: Shop,
  { count }: LockedStock,
  { now, product }: BatchFacts,
  { quantity, customerId, keyHash }: HoldRequest,
): Hold {
  return {
    id: newId(),
    orderId: newId(),
    productId: count.productId,
    quantity,
    customerId,
    idempotencyKeyHash: keyHash,
    unitPriceMinor: product.priceMinor,
    currency: product.currency,
    status: 'ACTIVE',
    createdAt: now,
    expiresAt: new Date(now.getTime() + holdTtlMs),
    heldVersion: count.version + 1,
    releasedVersion: null,
    readAt: now,
  } as Hold;
}

async function insertHolds(
  stock: LockedStock,
  { now, product }: BatchFacts,
  holds: readonly Hold[],
): Promise<ReadonlySet<string>> {
  if (holds.length === 0) return new Set();
  const made = await stock.moveLast<{ id: string }>(INSERT_HOLDS, [
    holds.map(({ id }) => id),
    holds.map(({ orderId }) => orderId),
    holds.map(({ quantity }) => quantity),
    holds.map(({ customerId }) => customerId),
    holds.map(({ idempotencyKeyHash }) => idempotencyKeyHash),
    product.priceMinor.toString(),
    product.currency,
    now,
    holds[0]!.expiresAt,
  ]);
  return new Set(made.map(({ id }) => id));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
