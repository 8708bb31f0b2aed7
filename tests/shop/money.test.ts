import fc from 'fast-check';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import type { Hold } from '../../src/shop/purchases/reads/find-purchases.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import { ask, deliver, hold, payment, tokenOf } from '../support/buyer.ts';
import { findingsOf, makeProduct, moveClock, useShop } from '../support/shop.ts';

const server = useShop();

/** Four purchases of 2, 3, 2 and 3 units at 1.50 EUR out of ten; events and acts pick one of them. */
const QUANTITIES = [2, 3, 2, 3] as const;

const event = fc.record({
  kind: fc.constant('event' as const),
  who: fc.nat(QUANTITIES.length - 1),
  /** Few payments and keys, so that they meet again under other keys, amounts and orders. */
  paymentId: fc.nat(5),
  key: fc.nat(30),
  reportedStatus: fc.constantFrom('success', 'success', 'success', 'failed', 'authorized'),
  amount: fc.constantFrom(null, '3.00', '4.50', '4.5', '0', '999999.999999'),
  currency: fc.constantFrom(null, 'EUR', 'USD'),
});

const act = fc.record({
  kind: fc.constantFrom('order', 'order', 'release', 'cancel', 'wait', 'sweep', 'grab'),
  who: fc.nat(QUANTITIES.length - 1),
});

type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
type Step = ValueOf<typeof event> | ValueOf<typeof act>;

/** Money in: each payment that succeeded, once. Money out of sight: none. */
const BALANCE = `
  with counted as (
    select e.*, h.unit_price_minor * h.quantity / 100.0 as total from payment_events e
    left join holds h on h.order_id = e.order_id
    where e.counted and e.order_id = any($1::uuid[]))
  select
    (select count(distinct payment_id) from payment_events
      where order_id = any($1::uuid[]) and reported_status = 'success')::int as payments,
    (select count(*) from counted)::int as counted,
    (select coalesce(sum(coalesce(amount, total)), 0) from counted) as received,
    (select coalesce(sum(unit_price_minor * quantity / 100.0), 0) from orders
      where id = any($1::uuid[]) and status = 'PAID') as paid,
    (select coalesce(sum(amount), 0) from refunds where order_id = any($1::uuid[])) as refunds,
    (select count(*) from payment_events where order_id = any($1::uuid[]) and status in ('PARKED', 'DEAD'))::int as waiting`;

test('random events over random orders end with money in = paid + refunds, and the stock invariant intact', async () => {
  const { shop } = server;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(event, act), { minLength: 5, maxLength: 40 }),
      async (steps) => {
        run += 1;
        await moveClock(server.database, 0);
        const productId = await makeProduct(shop, {
          price: '1.50',
          currency: 'EUR',
          totalStock: 10,
        });
        const holds: Hold[] = [];
        for (const quantity of QUANTITIES) holds.push(await hold(shop, productId, { quantity }));
        let aheadMs = 0;

        const take = async (step: Step): Promise<unknown> => {
          const made = holds[step.who]!;
          const token = tokenOf(shop, made);
          if (step.kind === 'event') {
            const { paymentId, key, reportedStatus, amount, currency } = step as ValueOf<
              typeof event
            >;
            return deliver(
              shop,
              payment(made.orderId, {
                paymentId: `payment ${run} ${paymentId}`,
                idempotencyKey: `key ${run} ${key}`,
                reportedStatus,
                amount,
                currency,
              }),
            );
          }
          if (step.kind === 'order') return createOrder(shop, token);
          if (step.kind === 'release') return releaseHold(shop, token);
          if (step.kind === 'cancel') return cancelOrder(shop, token);
          if (step.kind === 'grab') return ask(shop, productId, { quantity: 4 });
          if (step.kind === 'sweep') return Promise.all([sweepDue(shop), retryInbox(shop)]);
          aheadMs += 70_000 * (1 + step.who * 3);
          return moveClock(server.database, aheadMs);
        };
        // Two at a time, so that steps cross as they do in a sale; time passes between them.
        for (let next = 0; next < steps.length; next += 2) {
          const two = steps.slice(next, next + 2);
          for (const step of two) if (step.kind === 'wait') await take(step);
          await Promise.all(two.filter(({ kind }) => kind !== 'wait').map(take));
        }
        await moveClock(server.database, aheadMs + 25 * 3600_000);
        await sweepDue(shop);
        await retryInbox(shop);

        const [balance] = await server.database.rows<Record<string, number>>(BALANCE, [
          holds.map(({ orderId }) => orderId),
        ]);
        expect(balance!['waiting']).toBe(0);
        expect(balance!['counted']).toBe(balance!['payments']);
        expect(Number(balance!['received'])).toBeCloseTo(
          Number(balance!['paid']) + Number(balance!['refunds']),
          6,
        );
        expect(await findingsOf(shop, productId)).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);
