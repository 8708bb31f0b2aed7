import { PaymentEventTable, type PaymentEvent } from '../payments/inbox/payment-event.entity.ts';
import { recordFailure, retryEvent } from '../payments/inbox/retry-inbox.ts';
import { retryOnUniqueViolation } from '../payments/settlement/write-settlements.ts';
import { isFault } from '../../lib/faults.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { paymentEventNotFound, type PaymentEventNotFound } from '../refusal.ts';
import { unchanged, withAudit } from './audit/with-audit.ts';
import { writeAuditEntry, type AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfEvent } from './audit/audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/**
 * Processes a parked event or a dead letter again and returns it: settled, still parked, or failed with
 * the reason. An event that is settled already does not change.
 *
 * @throws BusyFault when a lock was not available in time
 */
export async function replayPaymentEvent(
  shop: Shop,
  caller: AdminCaller,
  eventId: string,
): Promise<PaymentEvent | PaymentEventNotFound> {
  const action = { caller, name: 'replayPaymentEvent', args: { eventId } };
  try {
    return await retryOnUniqueViolation(() =>
      withAudit<PaymentEvent | PaymentEventNotFound>(shop, action, async (tx) => {
        const before = await readEvent(tx, eventId);
        if (before === null) return unchanged(paymentEventNotFound);
        const { id, orderId } = before;
        // An event without an order id is never parked.
        if (orderId !== null) await retryEvent(shop, tx, { id, orderId });
        const after = (await readEvent(tx, id))!;
        return {
          answer: after,
          before: auditSnapshotOfEvent(before),
          after: auditSnapshotOfEvent(after),
        };
      }),
    );
  } catch (error) {
    if (isFault(error)) throw error;
    return recordFailedReplay(shop, caller, { eventId, error });
  }
}

/** The failed transaction was rolled back: the failure and its audit entry get one of their own. */
async function recordFailedReplay(
  shop: Shop,
  caller: AdminCaller,
  { eventId, error }: { readonly eventId: string; readonly error: unknown },
): Promise<PaymentEvent> {
  await recordFailure(shop, { id: eventId }, error);
  const [event] = await shop.database.find(PaymentEventTable, { id: eventId });
  await writeAuditEntry(shop.database, caller, {
    action: 'replayPaymentEvent',
    outcome: 'FAILED',
    args: { eventId },
    after: auditSnapshotOfEvent(event!),
  });
  return event!;
}

function readEvent(tx: Transaction, id: string): Promise<PaymentEvent | null> {
  return tx.findOne(PaymentEventTable, { id });
}
