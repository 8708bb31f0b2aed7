import { hash } from 'node:crypto';
import { newId } from '../../lib/ids.ts';
import { BusyFault } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { isRefusal, productNotFound } from '../refusal.ts';
import { lockStock, type LockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { readBatchFacts, type BatchFacts } from './batches/batch-facts.ts';
import { endDue } from './end-due.ts';
import type { HoldAnswer, HoldResult } from './batches/queues.ts';
import type { Hold } from './hold.entity.ts';
import { decideHolds, type HoldDecision, type HoldRequest } from './hold.rules.ts';
import type { Metadata } from './metadata.rules.ts';
import type { Shop } from '../shop.ts';

/** The arguments of createHold. */
export interface CreateHold {
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
  /** The client's own notes; `metadataComplaint` accepts them. */
  readonly metadata: Metadata;
  /** The client's secret; only its hash is kept. */
  readonly idempotencyKey: string | null;
}

/** A key that a concurrent request took is found by the second try; a third one covers a rollback there. */
const TRIES_MAX = 3;

/**
 * Holds units for one buyer until the deadline. With an idempotency key, repeated and concurrent calls
 * return the same hold. Refusals are not stored, so a repeated call is decided again.
 *
 * @throws BusyFault when the queue is full or the product's lock was not available in time
 */
export async function createHold(
  shop: Shop,
  { productId, idempotencyKey, ...wanted }: CreateHold,
): Promise<HoldAnswer> {
  const keyHash = idempotencyKey === null ? null : sha256(idempotencyKey);
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const result = await shop.holdQueues.submit(productId, { ...wanted, keyHash });
    if (result.kind === 'keyTaken') continue;
    if (!isRefusal(result.answer)) logHold(shop, result.answer);
    return result.answer;
  }
  throw new BusyFault('This idempotency key is being used for other products; nothing was done.');
}

/** At debug: a sale creates thousands of holds a second. A repeated call logs the same id again. */
function logHold({ log }: Shop, { id, productId, quantity }: Hold): void {
  log.debug({ holdId: id, productId, quantity }, 'Hold created successfully');
}

/** Holds units for a batch of requests for one product, in one transaction of two round trips. */
export async function createHolds(
  shop: Shop,
  productId: number,
  requests: readonly HoldRequest[],
): Promise<readonly HoldResult[]> {
  return transact(shop.database, async (tx) => {
    // Sent together; the facts are read once the lock is granted.
    const [stock, facts] = await Promise.all([
      lockStock(shop, tx, productId),
      readBatchFacts(tx, productId, requests),
    ]);
    if (stock === undefined || facts === undefined)
      return requests.map(() => ({ kind: 'answered', answer: productNotFound }));
    let decisions = decideHolds(facts, stock.count, requests);
    if (facts.mayReclaim && decisions.some(lacksUnits) && (await endDue(shop, tx, stock))) {
      decisions = decideHolds(facts, stock.count, requests);
    }
    return writeHolds(shop, stock, facts, decisions);
  });
}

function lacksUnits(decision: HoldDecision<Hold>): boolean {
  return isRefusal(decision) && decision.code === 'INSUFFICIENT_STOCK';
}

/**
 * All holds of a batch in one insert from arrays. By hand, because the ORM writes the values into the
 * text, which then cannot be prepared. In the order of the keys, so that two servers that insert the
 * same keys cannot deadlock. A key that another server inserted first moves no units.
 */
const INSERT_HOLDS = unitMove({
  changed: `
    insert into holds (id, order_id, product_id, quantity, customer_id, metadata, idempotency_key_hash,
      unit_price_minor, currency, status, created_at, expires_at, held_version)
    select id, order_id, $1, quantity, customer_id, metadata, key_hash, $9, $10, 'ACTIVE', $11, $12, $2
    from unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::jsonb[], $8::text[])
      as request(id, order_id, quantity, customer_id, metadata, key_hash)
    order by key_hash
    on conflict (idempotency_key_hash) where idempotency_key_hash is not null do nothing
    returning id, quantity`,
  buckets: { available: -1, held: 1 },
  cause: 'HOLD',
});

/** Inserts the holds that the decisions create, and commits. */
async function writeHolds(
  shop: Shop,
  stock: LockedStock,
  facts: BatchFacts,
  decisions: readonly HoldDecision<Hold>[],
): Promise<HoldResult[]> {
  const holds = new Map<HoldRequest, Hold>();
  for (const decision of decisions) {
    if (!isRefusal(decision) && decision.kind === 'create')
      holds.set(decision.request, newHold(shop, stock, facts, decision.request));
  }
  const inserted = await insertHolds(stock, facts, [...holds.values()]);
  return decisions.map((decision): HoldResult => {
    if (isRefusal(decision)) return { kind: 'answered', answer: decision };
    if (decision.kind === 'earlier') return { kind: 'answered', answer: decision.hold };
    const hold = holds.get(decision.request)!;
    return inserted.has(hold.id) ? { kind: 'answered', answer: hold } : { kind: 'keyTaken' };
  });
}

function newHold(
  { holdTtlMs }: Shop,
  { count }: LockedStock,
  { now, product }: BatchFacts,
  { quantity, customerId, metadata, keyHash }: HoldRequest,
): Hold {
  return {
    id: newId(),
    orderId: newId(),
    productId: count.productId,
    quantity,
    customerId,
    metadata,
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
  const inserted = await stock.moveLast<{ id: string }>(INSERT_HOLDS, [
    holds.map(({ id }) => id),
    holds.map(({ orderId }) => orderId),
    holds.map(({ quantity }) => quantity),
    holds.map(({ customerId }) => customerId),
    holds.map(({ metadata }) => JSON.stringify(metadata)),
    holds.map(({ idempotencyKeyHash }) => idempotencyKeyHash),
    product.priceMinor.toString(),
    product.currency,
    now,
    holds[0]!.expiresAt,
  ]);
  return new Set(inserted.map(({ id }) => id));
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
