import { allowLongStatements } from '../../postgres/transaction.ts';
import { transact } from '../../postgres/transaction.ts';
import type { Shop } from '../shop.ts';

/** Maximum findings of one kind: a hundred of a kind have one cause. */
const FINDINGS_MAX = 100;

/** SQL: the event `e` belongs to the payment that order `o` names. */
const ITS_PAYMENT =
  'e.order_id = o.id and e.provider = o.payment_provider and e.payment_id = o.payment_id';

/** SQL: the paid order `o` needs a payment; an order that costs nothing needs none. */
const NEEDS_PAYMENT = 'not (o.payment_id is null and o.unit_price_minor = 0)';

/** One kind of discrepancy between rows. */
interface Discrepancy {
  readonly subject: 'Order' | 'Payment event' | 'Refund' | 'Hold';
  /** SQL for the subject's id. */
  readonly id: string;
  /** SQL for the rows that have it. */
  readonly from: string;
  /** The rest of its sentence, after subject and id. */
  readonly sentence: string;
}

/** `sold_version` is never removed: it marks an order that was paid, also after a cancellation. */
const DISCREPANCIES: readonly Discrepancy[] = [
  {
    subject: 'Order',
    id: 'o.id',
    from: `orders o where o.sold_version is not null and ${NEEDS_PAYMENT} and not exists (
      select from payment_events e where ${ITS_PAYMENT} and e.status = 'APPLIED' and e.counted)`,
    sentence: 'is paid, but no applied payment event paid it.',
  },
  {
    subject: 'Payment event',
    id: 'e.id',
    from: `payment_events e where e.status = 'APPLIED' and e.counted and not exists (
      select from orders o where ${ITS_PAYMENT} and o.sold_version is not null)`,
    sentence: 'is applied, but it paid no order.',
  },
  {
    subject: 'Order',
    id: 'o.id',
    from: `orders o where o.returned_version is not null and ${NEEDS_PAYMENT} and not exists (
      select from refunds f where f.order_id = o.id and f.provider = o.payment_provider
        and f.payment_id = o.payment_id)`,
    sentence: 'was cancelled after it was paid, but its payment has no refund.',
  },
  {
    subject: 'Payment event',
    id: 'e.id',
    from: `payment_events e where e.status = 'REFUND_REQUIRED'
      and not exists (select from refunds f where f.event_id = e.id)`,
    sentence: 'requires a refund, but has none.',
  },
  {
    subject: 'Refund',
    id: 'f.id',
    from: `refunds f where not exists (
      select from payment_events e left join orders o on ${ITS_PAYMENT}
      where e.id = f.event_id and e.counted
        and (e.status = 'REFUND_REQUIRED' or o.returned_version is not null))`,
    sentence: 'exists, but its payment was kept.',
  },
  {
    subject: 'Payment event',
    id: 'e.id',
    from: `payment_events e where e.status = 'PARKED'
      and exists (select from orders o where o.id = e.order_id)`,
    sentence: 'waits for its order, but the order exists.',
  },
  {
    subject: 'Hold',
    id: 'h.id',
    from: `holds h where h.status = 'CONVERTED'
      and not exists (select from orders o where o.hold_id = h.id)`,
    sentence: 'is converted, but its order does not exist.',
  },
  {
    subject: 'Order',
    id: 'o.id',
    from: `orders o join holds h on h.id = o.hold_id
      where (h.status, h.order_id, h.product_id, h.quantity, h.unit_price_minor, h.currency)
        is distinct from ('CONVERTED', o.id, o.product_id, o.quantity, o.unit_price_minor, o.currency)`,
    sentence: 'differs from its hold.',
  },
];

/** One statement has one snapshot, so it can run during a sale. */
const CHECK = DISCREPANCIES.map(
  ({ subject, id, from, sentence }) =>
    `(select '${subject} ' || ${id} || ' ${sentence}' as finding from ${from} limit ${FINDINGS_MAX})`,
).join(' union all ');

/** Compares orders, holds, payment events and refunds; one sentence for each discrepancy. */
export async function checkMoney(shop: Pick<Shop, 'database'>): Promise<string[]> {
  const found = await transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<{ finding: string }>(CHECK, []);
  });
  return found.map(({ finding }) => finding);
}
