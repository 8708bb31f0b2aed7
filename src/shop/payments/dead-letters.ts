import { PaymentEventTable, type PaymentEvent } from './payment-event.entity.ts';
import type { Shop } from '../shop.ts';

/** A payment event that was given up, as the operator sees it. */
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

/** Events whose settling failed too often, oldest first: a person must look. */
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
