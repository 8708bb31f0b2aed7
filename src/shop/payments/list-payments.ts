import { readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import type { Shop } from '../shop.ts';
import { PaymentEventTable, type PaymentEvent } from './inbox/payment-event.entity.ts';
import type { PaymentEventStatus } from './inbox/payment-event.rules.ts';
import { RefundTable, type Refund } from './refund.entity.ts';
import type { RefundStatus } from './settlement/refund.rules.ts';

export type { PaymentEvent } from './inbox/payment-event.entity.ts';
export type { Refund } from './refund.entity.ts';

/** A page of the inbox and its filters; null does not filter. */
export interface PaymentEventListQuery extends PageRequest<string> {
  readonly status: PaymentEventStatus | null;
  readonly orderId: string | null;
  /** Whether to list only successes that name no order. */
  readonly withoutOrder?: boolean;
}

/** Constant text, so that its index is used. */
const WITHOUT_ORDER = "order_id is null and reported_status = 'success'";

/** One page of the payment events, newest first. */
export function listPaymentEvents(
  shop: Pick<Shop, 'database'>,
  query: PaymentEventListQuery,
): Promise<Page<PaymentEvent>> {
  return readPage(
    shop.database,
    {
      table: 'payment_events',
      key: ['id', 'uuid'],
      condition: query.withoutOrder === true ? WITHOUT_ORDER : 'true',
      filters: [
        { sql: (status) => `status = ${status}`, value: query.status },
        { sql: (id) => `order_id = ${id}`, value: query.orderId },
      ],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(PaymentEventTable, { id: { $in: ids } }),
    },
    query,
  );
}

/** A page of the refunds and its filter; null does not filter. */
export interface RefundListQuery extends PageRequest<string> {
  readonly status: RefundStatus | null;
}

/** One page of the refunds, newest first. */
export function listRefunds(
  shop: Pick<Shop, 'database'>,
  query: RefundListQuery,
): Promise<Page<Refund>> {
  return readPage(
    shop.database,
    {
      table: 'refunds',
      key: ['id', 'uuid'],
      filters: [{ sql: (status) => `status = ${status}`, value: query.status }],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(RefundTable, { id: { $in: ids } }),
    },
    query,
  );
}

/** The refunds of many orders, oldest first. */
export function findRefunds(
  shop: Pick<Shop, 'database'>,
  orderIds: readonly string[],
): Promise<Refund[]> {
  return shop.database.find(
    RefundTable,
    { orderId: { $in: [...orderIds] } },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  );
}

/** A dead letter, without its body. */
export type DeadLetter = Pick<
  PaymentEvent,
  | 'id'
  | 'provider'
  | 'paymentId'
  | 'orderId'
  | 'reportedStatus'
  | 'receivedAt'
  | 'attempts'
  | 'reason'
>;

/** All dead letters, oldest first: events that an admin must check. */
export async function listDeadEvents(shop: Pick<Shop, 'database'>): Promise<DeadLetter[]> {
  const events = await shop.database.find(
    PaymentEventTable,
    { status: 'DEAD' },
    { orderBy: { receivedAt: 'asc', id: 'asc' } },
  );
  return events.map(
    ({ id, provider, paymentId, orderId, reportedStatus, receivedAt, attempts, reason }) => ({
      id,
      provider,
      paymentId,
      orderId,
      reportedStatus,
      receivedAt,
      attempts,
      reason,
    }),
  );
}
