import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { ReceivedPayment } from '../../src/shop/payments/payment-queues.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import * as buyer from '../support/buyer.ts';
import {
  createTestDatabase,
  findingsOf,
  makeProduct,
  openTestShop,
  stockOf,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';

/*
 * Requests that arrive together are processed as one batch. Each is answered as if it had come alone,
 * and the tables are as if all had come alone, one after the other.
 */

let database: TestDatabase;
/** Groups requests. */
let together: TestShop;
/** Has its batches switched off: each request is a transaction of its own. */
let alone: TestShop;

beforeAll(async () => {
  database = await createTestDatabase();
  together = await openTestShop(database.url);
  alone = await openTestShop(database.url, { batchMax: 1 });
});

afterAll(async () => {
  await together[Symbol.asyncDispose]();
  await alone[Symbol.asyncDispose]();
  await database.drop();
});

const STATES = ['active', 'due', 'released', 'parked', 'pending', 'cancelled', 'paid'] as const;
const VERBS = ['release', 'order', 'cancel', 'pay'] as const;
const EVENTS = ['right', 'right', 'failed', 'wrong', 'again', 'same payment', 'conflict'] as const;

interface Scenario {
  readonly verb: (typeof VERBS)[number];
  readonly states: readonly (typeof STATES)[number][];
  readonly calls: readonly { readonly who: number; readonly event: (typeof EVENTS)[number] }[];
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  verb: fc.constantFrom(...VERBS),
  states: fc.array(fc.constantFrom(...STATES), { minLength: 1, maxLength: 10 }),
  calls: fc.array(fc.record({ who: fc.nat(99), event: fc.constantFrom(...EVENTS) }), {
    minLength: 1,
    maxLength: 40,
  }),
});

interface Purchase {
  readonly token: string;
  readonly orderId: string;
}

async function purchaseIn(
  { shop, database: sql }: TestShop,
  productId: number,
  state: (typeof STATES)[number],
): Promise<Purchase> {
  const hold = await buyer.hold(shop, productId, { quantity: 2 });
  const token = buyer.tokenOf(shop, hold);
  if (state === 'due')
    await sql.rows('update holds set expires_at = shop_clock() where id = $1', [hold.id]);
  if (state === 'released') await releaseHold(shop, token);
  if (state === 'parked') await buyer.deliver(shop, buyer.payment(hold.orderId));
  if (state === 'pending' || state === 'cancelled' || state === 'paid')
    await buyer.order(shop, hold);
  if (state === 'cancelled') await cancelOrder(shop, token);
  if (state === 'paid') await buyer.deliver(shop, buyer.payment(hold.orderId));
  return { token, orderId: hold.orderId };
}

/**
 * The events of a scenario; `again` and `conflict` repeat the key of the first right event for a
 * pending order. Unusual events are settled side by side, so two of one key may settle in either order.
 */
function eventsOf({ calls, states }: Scenario, purchases: readonly Purchase[]): ReceivedPayment[] {
  let first: ReceivedPayment | undefined;
  return calls.map(({ who, event }) => {
    const { orderId } = purchases[who % purchases.length]!;
    const isPending = states[who % states.length] === 'pending';
    if (first !== undefined && event === 'again') return first;
    if (first !== undefined && event === 'conflict') return { ...first, currency: 'CHF' };
    const paymentId = event === 'same payment' ? first?.paymentId : undefined;
    const made = buyer.payment(orderId, {
      paymentId: paymentId ?? randomUUID(),
      reportedStatus: event === 'failed' ? 'failed' : 'success',
      amount: event === 'wrong' ? '0.01' : '59.98',
      currency: 'USD',
    });
    if (event === 'right' && isPending) first ??= made;
    return made;
  });
}

/** Calls that are ready to be made, in their order. */
function callsOf(
  { shop }: TestShop,
  mix: Scenario,
  purchases: readonly Purchase[],
): (() => Promise<string>)[] {
  const { verb, calls } = mix;
  if (verb === 'pay')
    return eventsOf(mix, purchases).map((event) => () => buyer.deliver(shop, event));
  const use = { release: releaseHold, order: createOrder, cancel: cancelOrder }[verb];
  return calls.map(({ who }) => async () => {
    // One token in eleven is of no hold.
    const token =
      purchases[who % (purchases.length + 1)]?.token ?? shop.holdTokens.issue(randomUUID());
    return buyer.codeOf(await use(shop, token));
  });
}

/** What the tables say of a product, without ids and instants. */
async function tablesOf({ shop, database: sql }: TestShop, productId: number) {
  const list = (text: string) => sql.rows<{ line: string }>(text, [productId]);
  const { available, held, sold, total } = await stockOf(shop, productId);
  return {
    stock: { available, held, sold, total },
    findings: await findingsOf(shop, productId),
    purchases: await list(`
      select concat_ws(' ', h.status, o.status, o.cancelled_by, o.payment_id is not null) as line
      from holds h left join orders o on o.id = h.order_id where h.product_id = $1 order by h.id`),
    events: await list(`
      select concat_ws(' ', e.reported_status, e.status, e.counted, e.duplicates, e.reason) as line
      from payment_events e join holds h using (order_id) where h.product_id = $1 order by 1`),
    refunds: await list(`
      select concat_ws(' ', r.reason, r.status, r.amount, r.currency) as line
      from refunds r join holds h using (order_id) where h.product_id = $1 order by 1`),
  };
}

test('a batch answers each request, and leaves the tables, as if all had come one by one', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (mix) => {
      const runs = [together, alone].map(async (server, index) => {
        const productId = await makeProduct(server.shop, { totalStock: 100 });
        const purchases: Purchase[] = [];
        for (const state of mix.states) purchases.push(await purchaseIn(server, productId, state));
        const calls = callsOf(server, mix, purchases);
        const answers: string[] = [];
        if (index === 0) answers.push(...(await Promise.all(calls.map((call) => call()))));
        else for (const call of calls) answers.push(await call());
        // Unusual events are settled side by side, so which of two late payments finds units may differ.
        if (mix.verb === 'pay') answers.sort();
        return { answers, tables: await tablesOf(server, productId) };
      });
      const [batched, single] = await Promise.all(runs);

      expect(batched!.tables.findings).toEqual([]);
      expect(batched).toEqual(single);
    }),
    { numRuns: 25 },
  );
}, 120_000);

test('a hundred deliveries of one event in the same moment pay once and are counted as duplicates', async () => {
  const productId = await makeProduct(together.shop, { totalStock: 10 });
  const { orderId } = await purchaseIn(together, productId, 'pending');
  const event = buyer.payment(orderId);

  const outcomes = await Promise.all(
    Array.from({ length: 100 }, () => buyer.deliver(together.shop, event)),
  );

  expect(new Set(outcomes)).toEqual(new Set(['applied']));
  const [row] = await together.database.rows<{ duplicates: number }>(
    'select duplicates from payment_events where order_id = $1',
    [orderId],
  );
  expect(row).toEqual({ duplicates: 99 });
  expect(await stockOf(together.shop, productId)).toMatchObject({ available: 8, held: 0, sold: 2 });
});

test('a request that fails in a batch fails alone, and those beside it are served', async () => {
  const productId = await makeProduct(together.shop, { totalStock: 200 });
  const purchases: Purchase[] = [];
  for (let buyers = 0; buyers < 20; buyers += 1)
    purchases.push(await purchaseIn(together, productId, 'pending'));
  const broken = purchases[7]!.orderId;
  // As damage would: this row refuses to be paid.
  const sql = together.database.orm.em.getConnection();
  await sql.execute(`alter table orders add constraint broken_row
    check (id <> '${broken}' or status <> 'PAID') not valid`);
  try {
    const outcomes = await Promise.allSettled(
      purchases.map(({ orderId }) => buyer.deliver(together.shop, buyer.payment(orderId))),
    );

    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(outcomes[7]!.status).toBe('rejected');
    expect(await stockOf(together.shop, productId)).toMatchObject({ held: 2, sold: 38 });
    expect(await findingsOf(together.shop, productId)).toEqual([]);
  } finally {
    await sql.execute('alter table orders drop constraint broken_row');
  }
});
