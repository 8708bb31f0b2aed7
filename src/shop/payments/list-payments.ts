import { pageStatement, readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import {
  PaymentEventTable,
  type PaymentEvent,
  type PaymentEventStatus,
} from './payment-event.entity.ts';
import { RefundTable, type Refund, type RefundStatus } from './refund.entity.ts';
import type { Shop } from '../shop.ts';

export type { PaymentEvent } from './payment-event.entity.ts';

/** Which page of the inbox is wanted; null where any will do. */
export interface PaymentEventPageWanted extends PageRequest<string> {
  readonly status: PaymentEventStatus | null;
  readonly orderId: string | null;
  /** Whether only successes that name no order are wanted: money that nothing matches. */
  readonly withoutOrder?: boolean;
}

const EVENTS = pageStatement({
  table: 'payment_events',
  key: ['id', 'uuid'],
  condition: '($3::text is null or status = $3) and ($4::uuid is null or order_id = $4)',
});

/** The condition of its index; as a parameter of the statement above, the index could not serve. */
const EVENTS_WITHOUT_ORDER = pageStatement({
  table: 'payment_events',
  key: ['id', 'uuid'],
  condition:
    "order_id is null and reported_status = 'success' and ($3::text is null or status = $3) and ($4::uuid is null or order_id = $4)",
});

/** One page of the payment events, newest first. */
export function listPaymentEvents(
  shop: Pick<Shop, 'database'>,
  wanted: PaymentEventPageWanted,
): Promise<Page<PaymentEvent>> {
  return readPage(
    shop.database,
    {
      statement: wanted.withoutOrder === true ? EVENTS_WITHOUT_ORDER : EVENTS,
      params: [wanted.status, wanted.orderId],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(PaymentEventTable, { id: { $in: ids } }),
    },
    wanted,
  );
}

/** Which page of the refunds is wanted; null where any will do. */
export interface RefundListQuery extends PageRequest<string> {
  readonly status: RefundStatus | null;
}

const REFUNDS = pageStatement({
  table: 'refunds',
  key: ['id', 'uuid'],
  condition: '($3::text is null or status = $3)',
});

/** One page of the refunds, newest first. */
export function listRefunds(
  shop: Pick<Shop, 'database'>,
  wanted: RefundListQuery,
): Promise<Page<Refund>> {
  return readPage(
    shop.database,
    {
      statement: REFUNDS,
      params: [wanted.status],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(RefundTable, { id: { $in: ids } }),
    },
    wanted,
  );
}
