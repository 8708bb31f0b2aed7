import pg from 'pg';
import { newId } from '../src/lib/ids.ts';
import { Tally, type Run } from './load.ts';

/**
 * Only the work of Postgres for a batch, without that of the shop: insert the holds from arrays,
 * move the counters, record the movement. No separate lock, no read before, no row returned.
 */
const INSERT = `
  with made as (
    insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash,
      unit_price_minor, currency, status, created_at, expires_at, held_version)
    select id, order_id, $1, quantity, customer_id, key_hash, 2999, 'USD', 'ACTIVE', c.now,
      c.now + interval '1 day', $2
    from unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[])
      as request(id, order_id, quantity, customer_id, key_hash), (select shop_clock() as now) c
    order by key_hash
    on conflict (idempotency_key_hash) where idempotency_key_hash is not null do nothing
    returning quantity),
  u as (select sum(quantity)::int as units from made),
  moved as (
    update stock_levels s set available = s.available - u.units, held = s.held + u.units,
      version = s.version + 1
    from u where s.product_id = $1 returning s.version, u.units)
  insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
    total_delta, cause, at)
  select $1, version, -units, units, 0, 0, 'HOLD', shop_clock() from moved`;

type Batch = readonly [
  ids: string[],
  orderIds: string[],
  quantities: number[],
  customers: string[],
  keyHashes: string[],
];

/** The upper bound for any shop on this Postgres: one prepared statement in a loop. */
export class PostgresAlone {
  readonly #client: pg.Client;
  #made = 0;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async connect(url: string): Promise<PostgresAlone> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new PostgresAlone(client);
  }

  /** Inserts batches of `size` one after another; a new product's version is 1. */
  async run(productId: number, size: number, forMs: number): Promise<Run> {
    // The ids are generated before: that is the shop's work. 90,000 a second exceed Postgres's rate.
    const batches = Array.from({ length: Math.ceil((90 * forMs) / size) }, () => this.#make(size));
    let version = 1;
    const tally = new Tally('Hold', { forMs });
    for (const batch of batches) {
      if (tally.isOver) return tally.end();
      const sentAt = performance.now();
      version += 1;
      await this.#client.query({
        name: 'holds',
        text: INSERT,
        values: [productId, version, ...batch],
      });
      for (let hold = 0; hold < size; hold += 1) tally.count('Hold', sentAt);
    }
    throw new Error('Postgres took more than was made for it.');
  }

  end(): Promise<void> {
    return this.#client.end();
  }

  #make(size: number): Batch {
    const each = <T>(make: () => T): T[] => Array.from({ length: size }, make);
    return [
      each(newId),
      each(newId),
      each(() => 1),
      each(() => `alone ${(this.#made += 1)}`),
      each(() => newId().replaceAll('-', '').repeat(2).split('').toReversed().join('')),
    ];
  }
}
