import { allowLongStatements } from '../../postgres/long-statements.ts';
import { transact } from '../../postgres/transaction.ts';
import type { Shop } from '../shop.ts';

/** Findings of one kind that are told one by one: a hundred of a kind are one story. */
const FINDINGS_MAX = 100;

/** The payment that an order says has paid it. */
const ITS_PAYMENT =
  'e.order_id = o.id and e.provider = o.payment_provider and e.payment_id = o.payment_id';

/** Whether a payment has to stand behind an order that was paid: one that costs nothing needs none. */
const NEEDS_PAYMENT = 'not (o.payment_id is null and o.unit_price_minor = 0)';

/** One way in which rows may disagree. */
interface Disagreement {
  readonly subject: 'Order' | 'Payment event' | 'Refund' | 'Hold';
  /** SQL for the subject's id. */
  readonly id: string;
  /** SQL for the rows that disagree. */
  readonly from: string;
  /** The rest of the sentence, after subject and id. */
  readonly told: string;
}

/** A sold version stays for good: it says that the order was paid, whatever became of it since. */
const DISAGREEMENTS: readonly Disagreement[] = [
  {
    subject: 'Order',
    id: 'o.id',
    from: `orders o where o.sold_version is not null and ${NEEDS_PAYMENT} and not exists (
      select from payment_events e where ${ITS_PAYMENT} and e.status = 'APPLIED' and e.counted)`,
    told: 'is paid, but no applied payment event paid it.',
  },
  {
    subject: 'Payment event',
    id: 'e.id',
    from: `payment_events e where e.status = 'APPLIED' and e.counted and not exists (
      select from orders o where ${ITS_PAYMENT} and o.sold_version is not null)`,
    told: 'is applied, but it paid no order.',
  },
  {
    subject: 'Order',
    id: 'o.id',
    from: `orders o where o.returned_version is not null and ${NEEDS_PAYMENT} and not exists (
      select from refunds f where f.order_id = o.id and f.provider = o.payment_provider
        and f.payment_id = o.payment_id)`,
    told: 'was cancelled after it was paid, but its payment has no refund.',
  },
  {
    subject: 'Payment event',
    id: 'e.id',
    from: `payment_events e where e.status = 'REFUND_REQUIRED'
      and not exists (select from refunds f where f.event_id = e.id)`,
    told: 'requires a refund, but has none.',
  },
  {
    subject: 'Refund',
    id: 'f.id',
    from: `refunds f where not exists (
      select from payment_events e left join orders o on ${ITS_PAYMENT}
      where e.id = f.event_id and e.counted
        and (e.status = 'REFUND_REQUIRED' or o.returned_version is not null))`,
    told: 'exists, but its payment was kept.',
  },
  {
    subject: 'Payment event',
    id: 'e.id',
    from: `payment_events e where e.status = 'PARKED'
      and exists (select from orders o where o.id = e.order_id)`,
    told: 'waits for its order, but the order exists.',
  },
  {
    subject: 'Hold',
    id: 'h.id',
    from: `holds h where h.status = 'CONVERTED'
      and not exists (select from orders o where o.hold_id = h.id)`,
    told: 'is converted, but its order does not exist.',
  },
  {
    subject: 'Order',
    id: 'o.id',
    from: `orders o join holds h on h.id = o.hold_id
      where (h.status, h.order_id, h.product_id, h.quantity, h.unit_price_minor, h.currency)
        is distinct from ('CONVERTED', o.id, o.product_id, o.quantity, o.unit_price_minor, o.currency)`,
    told: 'differs from its hold.',
  },
];

/** One statement, hence one snapshot: it may run while a sale runs. */
const CHECK = DISAGREEMENTS.map(
  ({ subject, id, from, told }) =>
    `(select '${subject} ' || ${id} || ' ${told}' as finding from ${from} limit ${FINDINGS_MAX})`,
).join(' union all ');

/** Holds orders, holds, payments and refunds against each other; one sentence for each disagreement. */
export async function checkMoney(shop: Pick<Shop, 'database'>): Promise<string[]> {
  const found = await transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<{ finding: string }>(CHECK, []);
  });
  return found.map(({ finding }) => finding);
}
