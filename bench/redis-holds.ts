import { newId } from '../src/lib/ids.ts';
import type { HoldRequest } from '../src/shop/purchases/hold.rules.ts';
import { RedisClient } from './redis-client.ts';

/**
 * Holds units of a product, once for an idempotency key; Redis runs no other command at the same time.
 * KEYS are product, hold and idempotency key. ARGV are hold id, order id, quantity, customer, metadata and
 * lifetime in milliseconds. The answer is `created` with time, price and currency, `earlier` with the fields
 * of the key's hold, or `refused` with the units that are available.
 */
const CREATE_HOLD = `
local earlier = redis.call('GET', KEYS[3])
if earlier then
  return { 'earlier', redis.call('HGETALL', 'hold:' .. earlier) }
end
local product = redis.call('HMGET', KEYS[1], 'available', 'price', 'currency')
local quantity = tonumber(ARGV[3])
if tonumber(product[1]) < quantity then
  return { 'refused', { product[1] } }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HINCRBY', KEYS[1], 'available', -quantity)
redis.call('HINCRBY', KEYS[1], 'held', quantity)
redis.call('HSET', KEYS[2], 'id', ARGV[1], 'orderId', ARGV[2], 'quantity', quantity, 'customerId', ARGV[4],
  'metadata', ARGV[5], 'price', product[2], 'currency', product[3], 'createdAt', now, 'expiresAt', now + ARGV[6])
redis.call('SET', KEYS[3], ARGV[1])
return { 'created', { tostring(now), product[2], product[3] } }`;

/** What the script answers: one word and its values. */
type Answer = readonly ['created' | 'earlier' | 'refused', readonly string[]];

/** A product's price and units, copied to Redis before its first hold. */
export interface RedisProduct {
  readonly available: number;
  readonly priceMinor: bigint;
  readonly currency: string;
}

/** A hold as Redis keeps it. */
export interface RedisHold {
  readonly id: string;
  readonly orderId: string;
  readonly priceMinor: bigint;
  readonly currency: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/**
 * Redis reads at most 16 KiB from a connection before it writes its log, so one connection limits the calls
 * that share an fsync. In trials with a hundred calls at once, 16 connections served more than 1 or 4.
 */
const CONNECTIONS = 16;

/**
 * Holds in Redis: each is one call of the script. A client sends the calls of one turn of the event
 * loop together; Redis writes those that arrive together to its log with one fsync.
 */
export class RedisHolds {
  readonly #clients: readonly RedisClient[];
  readonly #script: string;
  readonly #ttlMs: number;
  #calls = 0;

  private constructor(clients: readonly RedisClient[], script: string, ttlMs: number) {
    this.#clients = clients;
    this.#script = script;
    this.#ttlMs = ttlMs;
  }

  static async connect(socketPath: string, ttlMs: number): Promise<RedisHolds> {
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => RedisClient.connect(socketPath)),
    );
    const script = await clients[0]!.send('SCRIPT', 'LOAD', CREATE_HOLD);
    return new RedisHolds(clients, script as string, ttlMs);
  }

  /** The connections take turns. */
  get #client(): RedisClient {
    this.#calls += 1;
    return this.#clients[this.#calls % this.#clients.length]!;
  }

  async addProduct(productId: number, product: RedisProduct): Promise<void> {
    const { available, priceMinor, currency } = product;
    const fields = ['available', String(available), 'held', '0', 'price', String(priceMinor)];
    await this.#client.send('HSET', `product:${productId}`, ...fields, 'currency', currency);
  }

  /** The new hold, or the earlier hold of the key. @throws if too few units are available */
  async create(productId: number, request: HoldRequest): Promise<RedisHold> {
    const { quantity, customerId, metadata, keyHash } = request;
    const [id, orderId] = [newId(), newId()];
    const keys = [`product:${productId}`, `hold:${id}`, `key:${keyHash}`];
    const lifetime = String(this.#ttlMs);
    const given = [
      id,
      orderId,
      String(quantity),
      customerId ?? '',
      JSON.stringify(metadata),
      lifetime,
    ];
    const reply = await this.#client.send('EVALSHA', this.#script, '3', ...keys, ...given);
    const [kind, values] = reply as Answer;
    if (kind === 'refused') throw new Error(`${quantity} requested, ${values[0]} available.`);
    if (kind === 'earlier') return storedHold(values);
    const [now, price, currency] = values as readonly [string, string, string];
    return {
      id,
      orderId,
      priceMinor: BigInt(price),
      currency,
      createdAt: new Date(Number(now)),
      expiresAt: new Date(Number(now) + this.#ttlMs),
    };
  }

  /** Verifies the units of a product on which one unit was held at a time. @throws if they differ */
  async audit(productId: string, held: number, total: number): Promise<void> {
    const key = `product:${productId}`;
    const counted = (await this.#client.send('HMGET', key, 'available', 'held')) as string[];
    if (counted[0] === String(total - held) && counted[1] === String(held)) return;
    throw new Error(`Audit failed, ${held} holds were answered: ${counted.join(' available, ')}`);
  }

  /** Number of keys in the database. */
  async keys(): Promise<number> {
    return (await this.#client.send('DBSIZE')) as number;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** A hold from the fields and values of its hash. */
function storedHold(values: readonly string[]): RedisHold {
  const field = (name: string): string => values[values.indexOf(name) + 1]!;
  return {
    id: field('id'),
    orderId: field('orderId'),
    priceMinor: BigInt(field('price')),
    currency: field('currency'),
    createdAt: new Date(Number(field('createdAt'))),
    expiresAt: new Date(Number(field('expiresAt'))),
  };
}
