import { millionths } from './money.ts';
import type { EventContent, PurchaseRequest } from './history.ts';

/** An event of a purchase in the model. */
interface EventState {
  readonly content: EventContent;
  readonly status: 'PARKED' | 'APPLIED' | 'IGNORED' | 'REFUND_REQUIRED';
  /** The answer that every delivery of it gets. */
  readonly answer: string;
}

/** The state of one purchase: a hold, the order that it becomes, its payment events and refunds. */
export interface State {
  readonly hold: 'NONE' | 'ACTIVE' | 'CONVERTED' | 'EXPIRED' | 'RELEASED';
  readonly order: 'NONE' | 'PENDING' | 'PAID' | 'CANCELLED' | 'EXPIRED';
  readonly cancelledBy: 'BUYER' | 'OPERATOR' | null;
  /** The payment that paid the order. */
  readonly paidBy: string | null;
  readonly events: Readonly<Record<string, EventState>>;
  /** The reason of each refund, by payment. */
  readonly refunds: Readonly<Record<string, string>>;
}

/** What is constant in a purchase. Instants are milliseconds since 1970. */
export interface PurchaseFacts {
  /** Null for a purchase without a hold: no call may then have created one. */
  readonly hold: { readonly quantity: number; readonly customerId: string | null } | null;
  /** Decimal text of what is owed; null without a hold. */
  readonly total: string | null;
  readonly currency: string | null;
  readonly expiresAt: number;
  /** Infinity without an order. */
  readonly paymentExpiresAt: number;
  /** Payments that an event of another order credited, at some moment. */
  readonly creditedElsewhere: ReadonlySet<string>;
  /** Keys of the events in the order of receipt. */
  readonly receipts: readonly string[];
}

/** A purchase before its first call. */
export const NOTHING: State = {
  hold: 'NONE',
  order: 'NONE',
  cancelledBy: null,
  paidBy: null,
  events: {},
  refunds: {},
};

/** A possible answer, as `ok <state>` or `refused <code>`, and the state after it. */
export interface Outcome {
  readonly said: string;
  readonly next: State;
}

/** The sequential model: every outcome that a request may have in a state. */
export function outcomesOf(
  state: State,
  request: PurchaseRequest,
  facts: PurchaseFacts,
): Outcome[] {
  switch (request.kind) {
    case 'createHold':
      return createHold(state, request, facts);
    case 'readHold':
      return [stays(state, `ok ${state.hold === 'NONE' ? 'null' : state.hold}`)];
    case 'readOrder':
      return [stays(state, `ok ${state.order === 'NONE' ? 'null' : state.order}`)];
    case 'releaseHold':
      return releaseHold(state);
    case 'createOrder':
      return createOrder(state, facts);
    case 'cancelOrder':
      return cancelOrder(state);
    case 'adminCancelOrder':
      return adminCancelOrder(state);
    case 'deliver':
      return deliver(state, request.event, facts);
    case 'replayEvent':
      return replay(state, request.eventKey, facts);
  }
}

const stays = (state: State, said: string): Outcome => ({ said, next: state });

function createHold(
  state: State,
  { quantity, customerId }: Extract<PurchaseRequest, { kind: 'createHold' }>,
  { hold }: PurchaseFacts,
): Outcome[] {
  const isSame = hold?.quantity === quantity && hold.customerId === customerId;
  if (state.hold !== 'NONE')
    return [stays(state, isSame ? `ok ${state.hold}` : 'refused IDEMPOTENCY_KEY_REUSED')];
  const refused = ['INSUFFICIENT_STOCK', 'PURCHASE_LIMIT_EXCEEDED'].map((code) =>
    stays(state, `refused ${code}`),
  );
  // Only the arguments of the stored hold can have created it.
  return isSame ? [{ said: 'ok ACTIVE', next: { ...state, hold: 'ACTIVE' } }, ...refused] : refused;
}

function releaseHold(state: State): Outcome[] {
  if (state.hold === 'NONE') return [stays(state, 'refused HOLD_NOT_FOUND')];
  if (state.hold === 'ACTIVE' || state.hold === 'RELEASED')
    return [{ said: 'ok RELEASED', next: { ...state, hold: 'RELEASED' } }];
  return [stays(state, `refused HOLD_${state.hold}`)];
}

/** The events that waited for the order are settled with it, in the order of receipt. */
function createOrder(state: State, facts: PurchaseFacts): Outcome[] {
  if (state.order !== 'NONE') return [stays(state, `ok ${state.order}`)];
  if (state.hold === 'NONE') return [stays(state, 'refused HOLD_NOT_FOUND')];
  if (state.hold !== 'ACTIVE') return [stays(state, `refused HOLD_${state.hold}`)];
  const waiting = facts.receipts.filter((key) => state.events[key]?.status === 'PARKED');
  const created: State = { ...state, hold: 'CONVERTED', order: 'PENDING' };
  const settled = waiting.reduce(
    (states, key) =>
      states.flatMap((each) => settle(each, each.events[key]!.content, { facts, isOver: false })),
    [created],
  );
  return settled.map((next) => ({ said: `ok ${next.order}`, next }));
}

function cancelOrder(state: State): Outcome[] {
  const { order } = state;
  if (order === 'NONE') return [stays(state, 'refused ORDER_NOT_FOUND')];
  if (order === 'CANCELLED') return [stays(state, 'ok CANCELLED')];
  if (order !== 'PENDING') return [stays(state, `refused ORDER_FINAL ${order}`)];
  return [{ said: 'ok CANCELLED', next: { ...state, order: 'CANCELLED', cancelledBy: 'BUYER' } }];
}

function adminCancelOrder(state: State): Outcome[] {
  const { order, paidBy } = state;
  if (order === 'NONE') return [stays(state, 'refused ORDER_NOT_FOUND')];
  if (order === 'EXPIRED') return [stays(state, 'refused ORDER_FINAL EXPIRED')];
  const cancelled: State = { ...state, order: 'CANCELLED', cancelledBy: 'OPERATOR' };
  if (order !== 'PAID') return [{ said: 'ok CANCELLED', next: cancelled }];
  const refunds = { ...state.refunds, [paidBy!]: 'ORDER_CANCELLED' };
  return [{ said: 'ok CANCELLED', next: { ...cancelled, refunds } }];
}

function deliver(state: State, content: EventContent, facts: PurchaseFacts): Outcome[] {
  const earlier = state.events[content.key];
  if (earlier === undefined)
    return settle(state, content, { facts, isOver: false }).map((next) => ({
      said: `ok ${next.events[content.key]!.answer}`,
      next,
    }));
  const isSame = JSON.stringify(earlier.content) === JSON.stringify(content);
  return [stays(state, isSame ? `ok ${earlier.answer}` : 'refused idempotency_key_reused')];
}

function replay(state: State, key: string, facts: PurchaseFacts): Outcome[] {
  const event = state.events[key];
  if (event === undefined) return [];
  const settled =
    event.status === 'PARKED' ? settle(state, event.content, { facts, isOver: false }) : [state];
  return settled.map((next) => ({ said: `ok ${next.events[key]!.status}`, next }));
}

/** What decides an event, apart from the state. */
export interface SettlingFacts {
  readonly facts: PurchaseFacts;
  /** Whether the event has waited for the longest time. */
  readonly isOver: boolean;
}

/** Settles an event: every state that can follow. A late payment finds available units, or it does not. */
export function settle(
  state: State,
  content: EventContent,
  { facts, isOver }: SettlingFacts,
): State[] {
  const { key, paymentId, reportedStatus } = content;
  const { order } = state;
  const write = (status: EventState['status'], changes: Partial<State> = {}): State => {
    const next = { ...state, ...changes };
    const answer = `${ANSWERS[status]} ${next.order === 'NONE' ? 'null' : next.order.toLowerCase()}`;
    return { ...next, events: { ...state.events, [key]: { content, status, answer } } };
  };
  const refund = (reason: string): State =>
    write('REFUND_REQUIRED', { refunds: { ...state.refunds, [paymentId]: reason } });
  const pay = (): State =>
    write('APPLIED', { order: 'PAID', cancelledBy: null, paidBy: paymentId });
  const waits = order === 'NONE' && !isOver && (state.hold === 'NONE' || state.hold === 'ACTIVE');

  if (reportedStatus !== 'success' && reportedStatus !== 'failed') return [write('IGNORED')];
  if (reportedStatus === 'failed') {
    if (waits) return [write('PARKED')];
    return [write(order === 'PENDING' ? 'APPLIED' : 'IGNORED')];
  }
  if (state.paidBy === paymentId || state.refunds[paymentId] !== undefined)
    return [write('IGNORED')];
  const others = facts.creditedElsewhere.has(paymentId) ? [write('IGNORED')] : [];
  if (waits) return [write('PARKED'), ...others];
  if (order === 'NONE') return [refund('ORDER_NEVER_CREATED'), ...others];
  if (isMismatch(content, facts)) return [refund('AMOUNT_MISMATCH'), ...others];
  if (order === 'PENDING') return [pay(), ...others];
  if (order === 'PAID') return [refund('DUPLICATE_PAYMENT'), ...others];
  if (state.cancelledBy === 'OPERATOR') return [refund('ORDER_CANCELLED'), ...others];
  const late = order === 'CANCELLED' ? 'ORDER_CANCELLED' : 'PAID_TOO_LATE';
  return [pay(), refund(late), ...others];
}

const ANSWERS = {
  PARKED: '202 parked',
  APPLIED: '200 applied',
  IGNORED: '200 ignored',
  REFUND_REQUIRED: '200 refund_required',
} as const;

function isMismatch({ amount, currency }: EventContent, facts: PurchaseFacts): boolean {
  if (currency !== null && currency !== facts.currency) return true;
  return amount !== null && millionths(amount) !== millionths(facts.total!);
}
