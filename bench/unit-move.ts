import { rmSync } from 'node:fs';
import { newId } from '../src/lib/ids.ts';
import { Closers } from '../src/lib/closers.ts';
import { silentLog } from '../src/lib/log.ts';
import { migrate } from '../src/postgres/migrate/migrate.ts';
import { openDatabase } from '../src/postgres/open-database.ts';
import type { Database } from '../src/postgres/database.ts';
import { transact, type Transaction } from '../src/postgres/transaction.ts';
import { createProduct } from '../src/shop/stock/create-product.ts';
import { unitMove } from '../src/shop/stock/unit-move.ts';
import { spread } from './figures.ts';
import { table } from './report.ts';
import { machine, makeBenchFolder } from './server.ts';

/*
 * npm run bench:unit-move: a transaction that locks a stock row and moves the units of one batch of
 * holds, with the one statement of `unitMove` and with a statement for each of its three writes. One
 * session, every statement prepared, rounds alternate. Commits do not wait for the disk, which would
 * hide the difference.
 */

const ROUNDS = 9;
const TRANSACTIONS = 300;
const BATCHES = [1, 25, 100] as const;

const HOLDS = `
  insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash,
    unit_price_minor, currency, status, created_at, expires_at, held_version)
  select id, order_id, $1, 1, null, null, 2999, 'USD', 'ACTIVE', now(), now() + interval '1 day', $2
  from unnest($3::uuid[], $4::uuid[]) as request(id, order_id)
  returning id, quantity`;

const ONE = unitMove({ changed: HOLDS, buckets: { available: -1, held: 1 }, cause: 'HOLD' });

const LEVEL = `
  update stock_levels set available = available - $3::int, held = held + $3::int, version = $2::int
  where product_id = $1 and version = $2::int - 1
  returning version, total, available, held, sold, shop_clock() as read_at`;

const MOVEMENT = `
  insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
    total_delta, cause, at)
  values ($1, $2, -$3::int, $3::int, 0, 0, 'HOLD', shop_clock())`;

const LOCK = 'select version from stock_levels where product_id = $1 for update';

type Write = (tx: Transaction, version: number, ids: readonly string[]) => Promise<unknown>;

const productId = 1;

/** One statement, and the commit in its round trip. */
const asOne: Write = (tx, version, ids) =>
  tx.lastRows(ONE, [productId, version, ids, ids.map(newId)]);

/** Each statement depends on the rows that the first one inserted, so none can be sent before its answer. */
const asThree: Write = async (tx, version, ids) => {
  const { length: units } = await tx.rows(HOLDS, [productId, version, ids, ids.map(newId)]);
  await tx.rows(LEVEL, [productId, version, units]);
  await tx.lastRows(MOVEMENT, [productId, version, units]);
};

/** Milliseconds between the grant of the lock and the end of the commit, the mean of a round. */
async function lockedMs(database: Database, write: Write, batch: number): Promise<number> {
  let total = 0;
  for (let count = 0; count < TRANSACTIONS; count += 1) {
    const ids = Array.from({ length: batch }, newId);
    let from = NaN;
    await transact(database, async (tx) => {
      await tx.rows('set local synchronous_commit = off', []);
      const [stock] = await tx.rows<{ version: number }>(LOCK, [productId]);
      from = performance.now();
      await write(tx, stock!.version + 1, ids);
    });
    total += performance.now() - from;
  }
  return total / TRANSACTIONS;
}

async function measure(database: Database, batch: number): Promise<string[]> {
  const rounds = { one: [] as number[], three: [] as number[], ratio: [] as number[] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const three = await lockedMs(database, asThree, batch);
    const one = await lockedMs(database, asOne, batch);
    if (round < 0) continue;
    rounds.one.push(one);
    rounds.three.push(three);
    rounds.ratio.push(one / three);
  }
  const [one, three, ratio] = [rounds.one, rounds.three, rounds.ratio].map(spread);
  return [
    `${batch} holds`,
    three!.median.toFixed(2),
    one!.median.toFixed(2),
    ratio!.median.toFixed(2),
    `${ratio!.min.toFixed(2)}–${ratio!.max.toFixed(2)}`,
  ];
}

const dataDir = makeBenchFolder();
const closers = new Closers();
const { database } = await openDatabase(
  { connection: undefined, dataDir, poolMax: 2 },
  { log: silentLog, closers, share: false },
);
try {
  await migrate(database);
  await transact(database, (tx) =>
    createProduct(tx, {
      name: 'Hot product',
      description: null,
      price: '29.99',
      currency: 'USD',
      totalStock: 10_000_000,
      maxPerHold: 10,
      maxPerCustomer: null,
      saleStartsAt: null,
      saleEndsAt: null,
      imageUrl: null,
    }),
  );
  console.log(machine());
  const rows = [];
  for (const batch of BATCHES) rows.push(await measure(database, batch));
  const heads = ['row locked for', 'three statements ms', 'one statement ms', 'ratio', '(min–max)'];
  console.log(table([heads, ...rows]));
} finally {
  await closers.close();
  rmSync(dataDir, { recursive: true, force: true });
}
