import { numberEvents } from '../../src/shop/events/number-events.ts';
import { readEventFeed } from '../../src/shop/events/list-events.ts';
import { openSession, openTestShop, until, useShop } from '../support/shop.ts';
import { sentStatements } from '../support/statement-log.ts';

/*
 * The feed against commits in another order than their inserts, and against servers that number at once.
 */

const server = useShop({ forEachTest: true });

/** Inserts one event of a product, as a statement of the shop does. */
const INSERT = `
  insert into shop_events (id, recorded, type, product_id, order_id, at, snapshot)
  values (shop_event_id(), nextval('shop_events_recorded'), 'PRODUCT_SOLD_OUT', $1, null, now(),
    '{"kind":"product","product":{"id":1,"name":"x","priceMinor":"1","currency":"USD"}}')`;

/** Reads what is new for a poller; `after` is the number of the last event it has seen. */
type Poll = (after: number) => Promise<{ readonly productIds: number[]; readonly last: number }>;

const pollFeed: Poll = async (after) => {
  const { rows } = await readEventFeed(server.shop, { first: 100, after, type: null });
  return {
    productIds: rows.map(({ productId }) => productId),
    last: rows.at(-1)?.position ?? after,
  };
};

/** The twin: it follows the number that each insert took. */
const pollInserts: Poll = async (after) => {
  const rows = await server.database.rows<{ product_id: number; recorded: string }>(
    'select product_id, recorded from shop_events where recorded > $1 order by recorded',
    [after],
  );
  return {
    productIds: rows.map((row) => row.product_id),
    last: Number(rows.at(-1)?.recorded ?? after),
  };
};

/** Two transactions insert one after the other and commit in the opposite order; a poll follows each commit. */
async function seenBy(poll: Poll): Promise<number[]> {
  await using slow = await openSession(server.url);
  await using quick = await openSession(server.url);
  await slow.query('begin');
  await slow.query(INSERT, [1]);
  await quick.query(INSERT, [2]);
  const first = await poll(0);
  await slow.query('commit');
  const second = await poll(first.last);
  return [...first.productIds, ...second.productIds];
}

test('a poller of the feed misses no event that is committed after a later insert', async () => {
  expect(await seenBy(pollFeed)).toEqual([2, 1]);
});

test('the twin that follows the numbers of inserts misses it', async () => {
  expect(await seenBy(pollInserts)).toEqual([2]);
});

/** Inserts events of ten products. */
async function insertMany(count: number): Promise<void> {
  await using session = await openSession(server.url);
  for (let index = 0; index < count; index += 1) await session.query(INSERT, [index % 10]);
}

const numbers = () =>
  server.database.rows<{ events: number; positions: number; last: number }>(
    `select count(*)::int as events, count(distinct position)::int as positions, max(position)::int as last
     from shop_events`,
    [],
  );

test('servers that number at once give each position and each sequence once, without gaps', async () => {
  await using other = await openTestShop(server.url);
  const shops = [server.shop, other.shop];
  for (let round = 0; round < 5; round += 1) {
    await insertMany(20);
    await Promise.all(Array.from({ length: 8 }, (_, index) => numberEvents(shops[index % 2]!)));
  }

  expect(await numbers()).toEqual([{ events: 100, positions: 100, last: 100 }]);
  const sequences = await server.database.rows(
    'select product_id, array_agg(sequence order by position) as sequences from shop_events group by 1 order by 1',
    [],
  );
  const oneToTen = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(sequences).toEqual(
    Array.from({ length: 10 }, (_, productId) => ({ product_id: productId, sequences: oneToTen })),
  );
});

test('the twin that numbers without the lock gives numbers twice, which the table refuses', async () => {
  await insertMany(20);
  const sent = await sentStatements(() => numberEvents(server.shop));
  const { text } = sent.find((statement) => statement.text.startsWith('with due'))!;
  await using slow = await openSession(server.url);
  await using one = await openSession(server.url);
  await using two = await openSession(server.url);
  // The first numbers the second insert, and the second server both.
  await slow.query('begin');
  await slow.query(INSERT, [1]);
  await insertMany(1);
  await one.query('begin');
  await one.query(text);
  await slow.query('commit');

  const numbering = two.query(text);
  numbering.catch(() => {});
  await until('the second to wait for the first', async () => {
    const [waiting] = await server.database.rows(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      [],
    );
    return waiting !== undefined;
  });
  await one.query('commit');

  await expect(numbering).rejects.toThrow(/never changed|duplicate key/);
});

test('the positions follow the order of commits of one product', async () => {
  await using first = await openSession(server.url);
  await using second = await openSession(server.url);
  // The first holds an earlier number of another product open while the second commits two.
  await first.query('begin');
  await first.query(INSERT, [1]);
  await second.query(INSERT, [2]);
  await numberEvents(server.shop);
  await second.query(INSERT, [2]);
  await first.query('commit');
  await numberEvents(server.shop);

  const { rows } = await readEventFeed(server.shop, { first: 10, after: null, type: null });
  const sequences = rows
    .filter(({ productId }) => productId === 2)
    .map(({ payload }) => (JSON.parse(payload) as { sequence: number }).sequence);
  expect(rows.map(({ productId }) => productId)).toEqual([2, 1, 2]);
  expect(sequences).toEqual([1, 2]);
});
