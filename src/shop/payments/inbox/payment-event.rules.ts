import { canonicalDecimal } from '../../../lib/money.ts';

/** What a payment event can be: it moves forward only, from PARKED or DEAD to one of the others. */
export const PAYMENT_EVENT_STATUSES = [
  'APPLIED',
  'PARKED',
  'IGNORED',
  'REFUND_REQUIRED',
  'DEAD',
] as const;

/** The processing status of a payment event. */
export type PaymentEventStatus = (typeof PAYMENT_EVENT_STATUSES)[number];

/** The six fields by which two events with one key are the same; an amount has one of two fields. */
export interface EventContent {
  readonly paymentId: string | null;
  readonly orderId: string | null;
  readonly reportedStatus: string;
  /** Decimal text; null where the event names none, or one that cannot be read. */
  readonly amount: string | null;
  /** The amount as received, where it cannot be read; null otherwise. */
  readonly unreadableAmount: string | null;
  readonly currency: string | null;
}

/** The content of a stored event, with the body where the event had no effect. */
export interface StoredContent extends EventContent {
  readonly ignoredPayload: string | null;
}

/** The content of a delivery, and how its provider reads a stored body. */
export interface DeliveredContent extends EventContent {
  /** Undefined where the body cannot be read. */
  readonly readStored?: (payload: string) => EventContent | undefined;
}

/**
 * Whether a delivery has the content of the stored event. An earlier version, or other settings, may
 * have stored an ignored event by fewer fields. The stored body is then read again and compared.
 */
export function isSameEvent(stored: StoredContent, received: DeliveredContent): boolean {
  if (isSameContent(stored, received)) return true;
  const { ignoredPayload } = stored;
  const readNow = ignoredPayload === null ? undefined : received.readStored?.(ignoredPayload);
  return readNow !== undefined && isSameContent(readNow, received);
}

/** Compares the six fields, the amount by value. Further fields and headers are not compared. */
export function isSameContent(first: EventContent, second: EventContent): boolean {
  const value = (amount: string | null) => (amount === null ? null : canonicalDecimal(amount));
  return (
    first.paymentId === second.paymentId &&
    first.orderId === second.orderId &&
    first.reportedStatus === second.reportedStatus &&
    value(first.amount) === value(second.amount) &&
    first.unreadableAmount === second.unreadableAmount &&
    first.currency === second.currency
  );
}
