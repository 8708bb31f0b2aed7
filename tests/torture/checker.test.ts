import type { Answer, EventContent, PurchaseCall, PurchaseRequest } from './checker/history.ts';
import { NOTHING, type PurchaseFacts, type State } from './checker/model.ts';
import { explain, summaryOf } from './checker/search.ts';

const EXPIRES_AT = 1000;

const FACTS: PurchaseFacts = {
  hold: { quantity: 2, customerId: null },
  total: '20.00',
  currency: 'USD',
  expiresAt: EXPIRES_AT,
  paymentExpiresAt: 5000,
  creditedElsewhere: new Set(),
  receipts: ['event-1', 'event-2'],
};

const CREATE_HOLD: PurchaseRequest = {
  kind: 'createHold',
  purchase: 0,
  productId: 1,
  quantity: 2,
  customerId: null,
  key: 'key',
};

const ACTIVE: State = { ...NOTHING, hold: 'ACTIVE' };
const EXPIRED: State = { ...NOTHING, hold: 'EXPIRED' };
const CONVERTED: State = { ...NOTHING, hold: 'CONVERTED', order: 'EXPIRED' };

const ok = (says: string): Answer => ({ kind: 'ok', says, id: null, body: null });
const refused = (code: string): Answer => ({ kind: 'refused', code });
const UNKNOWN: Answer = { kind: 'unknown', reason: 'timeout' };

const of = (kind: 'releaseHold' | 'createOrder' | 'readHold' | 'readOrder'): PurchaseRequest => ({
  kind,
  purchase: 0,
});

const delivery = (changes: Partial<EventContent> = {}): PurchaseRequest => ({
  kind: 'deliver',
  purchase: 0,
  orderId: 'order',
  event: {
    key: 'event-1',
    paymentId: 'payment-1',
    reportedStatus: 'success',
    amount: null,
    currency: null,
    ...changes,
  },
});

/** Calls at these milliseconds; without an end each one lasts one millisecond. */
function callsOf(
  ...steps: readonly (readonly [
    request: PurchaseRequest,
    answer: Answer,
    at: number,
    to?: number,
  ])[]
): PurchaseCall[] {
  return steps.map(([request, answer, at, to = at + 1], id) => ({
    id,
    server: 0,
    request,
    answer,
    calledAt: at,
    returnedAt: to,
    begins: at * 2 + 1,
    ends: to * 2,
  }));
}

const isExplained = (calls: readonly PurchaseCall[], final: State, facts = FACTS): boolean =>
  explain(calls, facts, summaryOf(final)).kind === 'explained';

/** A final state with one applied payment. */
function paid(state: State): State {
  const { event } = delivery() as Extract<PurchaseRequest, { kind: 'deliver' }>;
  const applied = { content: event, status: 'APPLIED', answer: '' } as const;
  return { ...state, order: 'PAID', paidBy: 'payment-1', events: { 'event-1': applied } };
}

test('a hold that was acknowledged must be in the rows', () => {
  const calls = callsOf([CREATE_HOLD, ok('ACTIVE'), 10]);

  expect(isExplained(calls, EXPIRED)).toBe(true);
  expect(isExplained(calls, NOTHING)).toBe(false);
});

test('a hold that was refused must not be in the rows', () => {
  const calls = callsOf([CREATE_HOLD, refused('INSUFFICIENT_STOCK'), 10]);

  expect(isExplained(calls, NOTHING)).toBe(true);
  expect(isExplained(calls, EXPIRED)).toBe(false);
});

test('a hold with an unknown answer may exist, or not', () => {
  const calls = callsOf([CREATE_HOLD, UNKNOWN, 10]);

  expect(isExplained(calls, NOTHING)).toBe(true);
  expect(isExplained(calls, EXPIRED)).toBe(true);
});

test('a call with an unknown answer may take effect after later calls', () => {
  const held = [CREATE_HOLD, ok('ACTIVE'), 10] as const;
  const released = { ...NOTHING, hold: 'RELEASED' } as const;
  const calls = callsOf(held, [of('releaseHold'), UNKNOWN, 20], [of('readHold'), ok('ACTIVE'), 50]);

  expect(isExplained(calls, released)).toBe(true);
  expect(
    isExplained(
      callsOf(held, [of('releaseHold'), ok('RELEASED'), 20], [of('readHold'), ok('ACTIVE'), 50]),
      released,
    ),
  ).toBe(false);
});

test('concurrent calls may have either order, consecutive ones have not', () => {
  const calls = (end: number) =>
    callsOf(
      [CREATE_HOLD, ok('ACTIVE'), 10],
      [of('releaseHold'), ok('RELEASED'), 20, end],
      [of('readHold'), ok('ACTIVE'), 30],
    );
  const released = { ...NOTHING, hold: 'RELEASED' } as const;

  expect(isExplained(calls(40), released)).toBe(true);
  expect(isExplained(calls(25), released)).toBe(false);
});

test('a hold expires at its deadline, neither earlier nor later', () => {
  const reading = (says: string, at: number) =>
    callsOf([CREATE_HOLD, ok('ACTIVE'), 10], [of('readHold'), ok(says), at]);

  expect(isExplained(reading('ACTIVE', EXPIRES_AT - 100), EXPIRED)).toBe(true);
  expect(isExplained(reading('EXPIRED', EXPIRES_AT - 100), EXPIRED)).toBe(false);
  expect(isExplained(reading('EXPIRED', EXPIRES_AT + 100), EXPIRED)).toBe(true);
  expect(isExplained(reading('ACTIVE', EXPIRES_AT + 100), EXPIRED)).toBe(false);
});

test('no hold stays active, and no event parked, at the end', () => {
  const held = [CREATE_HOLD, ok('ACTIVE'), 10] as const;
  const parked = [delivery(), ok('202 parked null'), 20] as const;
  const { event } = delivery() as Extract<PurchaseRequest, { kind: 'deliver' }>;
  const waiting = { 'event-1': { content: event, status: 'PARKED', answer: '' } } as const;

  expect(isExplained(callsOf(held), ACTIVE)).toBe(false);
  expect(isExplained(callsOf(held, parked), { ...EXPIRED, events: waiting })).toBe(false);
  expect(
    isExplained(callsOf(held, parked), {
      ...EXPIRED,
      events: { 'event-1': { ...waiting['event-1'], status: 'REFUND_REQUIRED' } },
      refunds: { 'payment-1': 'ORDER_NEVER_CREATED' },
    }),
  ).toBe(true);
});

test('a payment that came before its order pays it', () => {
  const calls = callsOf(
    [CREATE_HOLD, ok('ACTIVE'), 10],
    [delivery(), ok('202 parked null'), 20],
    [of('createOrder'), ok('PAID'), 30],
    [delivery(), ok('200 applied paid'), 40],
  );

  expect(isExplained(calls, paid(CONVERTED))).toBe(true);
  expect(isExplained(calls, CONVERTED)).toBe(false);
});

test('a second payment of a paid order needs a refund', () => {
  const second = delivery({ key: 'event-2', paymentId: 'payment-2' });
  const calls = callsOf(
    [CREATE_HOLD, ok('ACTIVE'), 10],
    [of('createOrder'), ok('PENDING'), 20],
    [delivery(), ok('200 applied paid'), 30],
    [second, ok('200 refund_required paid'), 40],
  );
  const once = paid(CONVERTED);
  const { event } = second as Extract<PurchaseRequest, { kind: 'deliver' }>;
  const twice = (status: 'APPLIED' | 'REFUND_REQUIRED'): State => ({
    ...once,
    events: { ...once.events, 'event-2': { content: event, status, answer: '' } },
  });

  expect(isExplained(calls, twice('APPLIED'))).toBe(false);
  expect(
    isExplained(calls, {
      ...twice('REFUND_REQUIRED'),
      refunds: { 'payment-2': 'DUPLICATE_PAYMENT' },
    }),
  ).toBe(true);
});

test('a wrong amount never pays an order', () => {
  const wrong = delivery({ amount: '20.01' });
  const calls = (says: string) =>
    callsOf(
      [CREATE_HOLD, ok('ACTIVE'), 10],
      [of('createOrder'), ok('PENDING'), 20],
      [wrong, ok(says), 30],
    );

  expect(isExplained(calls('200 applied paid'), paid(CONVERTED))).toBe(false);
  expect(explain(calls('200 applied paid'), FACTS, summaryOf(paid(CONVERTED)))).toMatchObject({
    kind: 'unexplained',
    order: [0, 1],
  });
});

test('a paid order is never pending again', () => {
  const calls = (says: string) =>
    callsOf(
      [CREATE_HOLD, ok('ACTIVE'), 10],
      [of('createOrder'), ok('PENDING'), 20],
      [delivery({ amount: '20' }), ok('200 applied paid'), 30],
      [of('readOrder'), ok(says), 40],
    );

  expect(isExplained(calls('PAID'), paid(CONVERTED))).toBe(true);
  expect(isExplained(calls('PENDING'), paid(CONVERTED))).toBe(false);
});
