import { PaymentEventTable, type PaymentEvent } from '../payments/payment-event.entity.ts';
import { recordFailure, settleOnceMore } from '../payments/retry-inbox.ts';
import { retryOnUniqueViolation } from '../payments/settle-event.ts';
import { isFault } from '../../lib/faults.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { paymentEventNotFound, type PaymentEventNotFound } from '../refusal.ts';
import { unchanged, withAudit } from './with-audit.ts';
import { recordAct, type Operator } from './audit-log.ts';
import { shownEvent } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/**
 * Settles a parked or dead event once more and gives it as it stands then: settled, still waiting for
 * its order, or failed again with the reason. One that is settled already stays as it is.
 *
 * @throws BusyFault when a lock was not available in time
 */
export async function replayPaymentEvent(
  shop: Shop,
  operator: Operator,
  eventId: string,
): Promise<PaymentEvent | PaymentEventNotFound> {
  const act = { operator, name: 'replayPaymentEvent', asked: { eventId } };
  try {
    return await retryOnUniqueViolation(() =>
      withAudit<PaymentEvent | PaymentEventNotFound>(shop, act, async (tx) => {
        const before = await readEvent(tx, eventId);
        if (before === null) return unchanged(paymentEventNotFound);
        const { id, orderId } = before;
        // What names no order never waits.
        if (orderId !== null) await settleOnceMore(shop, tx, { id, orderId });
        const after = (await readEvent(tx, id))!;
        return { answer: after, before: shownEvent(before), after: shownEvent(after) };
      }),
    );
  } catch (error) {
    if (isFault(error)) throw error;
    return recordFailedReplay(shop, operator, { eventId, error });
  }
}

/** The try that threw was rolled back whole: what is left of it is written anew. */
async function recordFailedReplay(
  shop: Shop,
  operator: Operator,
  { eventId, error }: { readonly eventId: string; readonly error: unknown },
): Promise<PaymentEvent> {
  await recordFailure(shop, { id: eventId }, error);
  const [event] = await shop.database.find(PaymentEventTable, { id: eventId });
  await recordAct(shop.database, operator, {
    name: 'replayPaymentEvent',
    outcome: 'FAILED',
    asked: { eventId },
    after: shownEvent(event!),
  });
  return event!;
}

async function readEvent(tx: Transaction, id: string): Promise<PaymentEvent | null> {
  const found = await tx.em.findOne(PaymentEventTable, { id }, { disableIdentityMap: true });
  return found as PaymentEvent | null;
}
