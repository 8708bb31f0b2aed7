import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { ReceivedPayment } from '../../src/shop/payments/inbox/payment-queues.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { numberEvents } from '../../src/shop/events/number-events.ts';
import * as buyer from '../support/buyer.ts';
import { eventFindings } from '../support/events.ts';
import { findingsOf, makeProduct, stockOf, useTwoShops, type OpenShop } from '../support/shop.ts';

/**
 * Requests that arrive together are processed as one batch. Answers and tables equal those of the same
 * requests one after the other.
 */

/** The first groups requests; each request to the second is a transaction of its own. */
const [together, alone] = useTwoShops({}, { batchMax: 1 });

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
  { shop, database: sql }: OpenShop,
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
 * pending order, `same payment` its payment, for a pending order too. Unusual events are settled side by
 * side with the batch, so two of one key or of one payment may settle in either order.
 */
function eventsOf({ calls, states }: Scenario, purchases: readonly Purchase[]): ReceivedPayment[] {
  let first: ReceivedPayment | undefined;
  const named = new Set<string>();
  return calls.map(({ who, event }) => {
    const { orderId } = purchases[who % purchases.length]!;
    const isPending = states[who % states.length] === 'pending';
    if (first !== undefined && event === 'again') return first;
    if (first !== undefined && event === 'conflict') return { ...first, currency: 'CHF' };
    const isSamePayment = event === 'same payment' && isPending;
    const paymentId = isSamePayment ? first?.paymentId : undefined;
    const made = buyer.payment(orderId, {
      paymentId: paymentId ?? randomUUID(),
      reportedStatus: event === 'failed' ? 'failed' : 'success',
      amount: event === 'wrong' ? '0.01' : '59.98',
      currency: 'USD',
    });
    // The first event of its order, so that the batch applies it.
    if (event === 'right' && isPending && !named.has(orderId)) first ??= made;
    named.add(orderId);
    return made;
  });
}

/** Calls that are ready to be made, in their order. */
function callsOf(
  { shop }: OpenShop,
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

/** A failed attempt that is ignored names the status of an order that a payment beside it may change. */
const REASON = String.raw`regexp_replace(e.reason, 'already \w+', 'already ended')`;

/**
 * The rows of a product, without ids and instants, in the order of the purchases. Ids of one millisecond
 * are in no order.
 */
async function tablesOf(
  { shop, database: sql }: OpenShop,
  productId: number,
  purchases: readonly Purchase[],
) {
  await numberEvents(shop);
  const orderIds = purchases.map(({ orderId }) => orderId);
  const list = (text: string) => sql.rows<{ line: string }>(text, [productId]);
  const listByPurchase = (text: string) => sql.rows<{ line: string }>(text, [productId, orderIds]);
  const { available, held, sold, total } = await stockOf(shop, productId);
  return {
    stock: { available, held, sold, total },
    findings: await findingsOf(shop, productId),
    purchases: await listByPurchase(`
      select concat_ws(' ', h.status, o.status, o.cancelled_by, o.payment_id is not null) as line
      from holds h left join orders o on o.id = h.order_id where h.product_id = $1 order by array_position($2::uuid[], h.order_id)`),
    events: await list(`
      select concat_ws(' ', e.reported_status, e.status, e.counted, e.duplicates, ${REASON}) as line
      from payment_events e join holds h using (order_id) where h.product_id = $1 order by 1`),
    shopEvents: await listByPurchase(`
      select concat_ws(' ', s.type, s.order_id is not null, s.snapshot -> 'order' ->> 'status',
        s.snapshot -> 'order' ->> 'quantity') as line
      from shop_events s
      where s.product_id = $1 order by array_position($2::uuid[], s.order_id), 1`),
    refunds: await list(`
      select concat_ws(' ', r.reason, r.status, r.amount, r.currency) as line
      from refunds r join holds h using (order_id) where h.product_id = $1 order by 1`),
  };
}

test('a batch gives the same answers and rows as its requests one by one', async () => {
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
        return { answers, tables: await tablesOf(server, productId, purchases) };
      });
      const [batched, single] = await Promise.all(runs);

      expect(batched!.tables.findings).toEqual([]);
      expect(batched).toEqual(single);
      expect(await eventFindings(together.database)).toEqual([]);
    }),
    { numRuns: 25 },
  );
}, 120_000);

test('a hundred simultaneous deliveries of one event pay once and are counted as duplicates', async () => {
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

test('a request that fails in a batch fails alone, and the others succeed', async () => {
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
