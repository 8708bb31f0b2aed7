import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import fc from 'fast-check';
import {
  settle,
  type OrderToSettle,
  type ReportedPayment,
  type SettlementFacts,
  type Settlement,
} from '../../src/shop/payments/settlement/settlement.rules.ts';

const DOCS = resolve(import.meta.dirname, '../../docs/settlement.md');

const TOTAL = '29.97';

const pendingOrder: OrderToSettle = {
  status: 'PENDING',
  cancelledBy: null,
  total: TOTAL,
  currency: 'USD',
};

const success: ReportedPayment = {
  idempotencyKey: 'evt_1',
  paymentId: 'pay_1',
  orderId: '018f0000-0000-7000-8000-000000000001',
  reportedStatus: 'success',
  amount: TOTAL,
  currency: 'USD',
};

const facts: SettlementFacts = {
  order: pendingOrder,
  hold: null,
  credited: false,
  waitOver: false,
  unitsAvailable: false,
  requireAmount: false,
};

const textOf = ({ kind, refund }: Settlement): string =>
  refund === null ? kind : `${kind} ${refund.reason}`;

describe('the effect of each event, by the table of the contract', () => {
  const EVENTS = {
    'a success of the right amount': success,
    'a success of the wrong amount': { ...success, amount: '29.96' },
    'a success whose amount cannot be read': {
      ...success,
      amount: null,
      unreadableAmount: '29,97',
    },
    'a success in the wrong currency': { ...success, currency: 'EUR' },
    'a failure': { ...success, reportedStatus: 'failed' },
    'an unknown status': { ...success, reportedStatus: 'authorized' },
  } satisfies Record<string, ReportedPayment>;

  const paid: OrderToSettle = { ...pendingOrder, status: 'PAID' };
  const expired: OrderToSettle = { ...pendingOrder, status: 'EXPIRED' };
  const cancelled: OrderToSettle = { ...pendingOrder, status: 'CANCELLED', cancelledBy: 'BUYER' };
  const revoked: OrderToSettle = { ...cancelled, cancelledBy: 'OPERATOR' };

  const STATES = {
    'a pending order': facts,
    'a paid order': { ...facts, order: paid },
    'an order cancelled by the buyer, units free': {
      ...facts,
      order: cancelled,
      unitsAvailable: true,
    },
    'an order cancelled by the buyer, units gone': { ...facts, order: cancelled },
    'an expired order, units free': { ...facts, order: expired, unitsAvailable: true },
    'an expired order, units gone': { ...facts, order: expired },
    'an order cancelled by an admin, units free': {
      ...facts,
      order: revoked,
      unitsAvailable: true,
    },
    'an order cancelled by an admin, units gone': { ...facts, order: revoked },
    'no order yet': { ...facts, order: null },
    'no order any more': { ...facts, order: null, waitOver: true },
  } satisfies Record<string, SettlementFacts>;

  type Event = keyof typeof EVENTS;
  type State = keyof typeof STATES;

  const MISMATCH = {
    'a pending order': 'REFUND AMOUNT_MISMATCH',
    'a paid order': 'REFUND AMOUNT_MISMATCH',
    'an order cancelled by the buyer, units free': 'REFUND AMOUNT_MISMATCH',
    'an order cancelled by the buyer, units gone': 'REFUND AMOUNT_MISMATCH',
    'an expired order, units free': 'REFUND AMOUNT_MISMATCH',
    'an expired order, units gone': 'REFUND AMOUNT_MISMATCH',
    'an order cancelled by an admin, units free': 'REFUND AMOUNT_MISMATCH',
    'an order cancelled by an admin, units gone': 'REFUND AMOUNT_MISMATCH',
    'no order yet': 'PARK',
    'no order any more': 'REFUND ORDER_NEVER_CREATED',
  };

  const everywhere = (verdict: string): Record<State, string> =>
    Object.fromEntries(Object.keys(STATES).map((state) => [state, verdict])) as Record<
      State,
      string
    >;

  const TABLE: Record<Event, Record<State, string>> = {
    'a success of the right amount': {
      'a pending order': 'PAY',
      'a paid order': 'REFUND DUPLICATE_PAYMENT',
      'an order cancelled by the buyer, units free': 'RETAKE',
      'an order cancelled by the buyer, units gone': 'REFUND ORDER_CANCELLED',
      'an expired order, units free': 'RETAKE',
      'an expired order, units gone': 'REFUND PAID_TOO_LATE',
      'an order cancelled by an admin, units free': 'REFUND ORDER_CANCELLED',
      'an order cancelled by an admin, units gone': 'REFUND ORDER_CANCELLED',
      'no order yet': 'PARK',
      'no order any more': 'REFUND ORDER_NEVER_CREATED',
    },
    'a success of the wrong amount': MISMATCH,
    'a success whose amount cannot be read': MISMATCH,
    'a success in the wrong currency': MISMATCH,
    'a failure': {
      ...everywhere('IGNORE'),
      'a pending order': 'RECORD',
      'no order yet': 'PARK',
    },
    'an unknown status': everywhere('IGNORE'),
  };

  const cells = Object.entries(TABLE).flatMap(([event, row]) =>
    Object.entries(row).map(([state, verdict]) => [event as Event, state as State, verdict]),
  ) as [Event, State, string][];

  test.each(cells)('%s for %s is %s', (event, state, expected) => {
    const settlement = settle(EVENTS[event], STATES[state]);

    expect(textOf(settlement)).toBe(expected);
  });

  const successes = Object.keys(EVENTS).filter((event) => event.includes('success')) as Event[];
  const deliveries = successes.flatMap((event) =>
    Object.keys(STATES).map((state) => [event, state] as [Event, State]),
  );

  test.each(deliveries)('%s for %s is IGNORE where its payment is credited', (event, state) => {
    const settlement = settle(EVENTS[event], { ...STATES[state], credited: true });

    expect(textOf(settlement)).toBe('IGNORE');
    expect(settlement.credited).toBe(false);
  });

  test('a failure of a credited payment is settled like any other failure', () => {
    const failed = EVENTS['a failure'];

    const settlements = Object.values(STATES).map((state) => settle(failed, state));
    const whenCredited = Object.values(STATES).map((state) =>
      settle(failed, { ...state, credited: true }),
    );

    expect(whenCredited).toEqual(settlements);
  });

  test('a payment for a free order is refunded as a duplicate', () => {
    const free = { ...facts, order: { ...paid, total: '0.00' } };

    expect(settle({ ...success, amount: '0' }, free)).toMatchObject({
      kind: 'REFUND',
      refund: { reason: 'DUPLICATE_PAYMENT', amount: '0', currency: 'USD' },
      reason: 'The order is free and needs no payment.',
    });
    expect(textOf(settle({ ...success, amount: null }, free))).toBe('REFUND DUPLICATE_PAYMENT');
    expect(textOf(settle(success, free))).toBe('REFUND AMOUNT_MISMATCH');
  });

  test('an event that the adapter ignores has no effect in any state', () => {
    const ignored = { kind: 'IGNORE', reason: 'A test payment.', credited: false, refund: null };

    for (const state of Object.values(STATES)) {
      const settlement = settle({ ...success, ignoredBecause: 'A test payment.' }, state);
      expect(settlement).toMatchObject(ignored);
    }
  });

  test('a reason quotes an unreadable amount shortened and without control characters', () => {
    const reasonFor = (unreadableAmount: string): string =>
      settle({ ...success, amount: null, unreadableAmount }, facts).reason ?? '';

    expect(reasonFor('29,97')).toBe('The amount "29,97" cannot be read.');
    expect(reasonFor('\u001b[2J\u009b')).toBe('The amount "\ufffd[2J\ufffd" cannot be read.');
    expect(reasonFor('x'.repeat(10_000)).length).toBeLessThan(100);
  });

  test('every parked, ignored or refunded event has a reason of one sentence', () => {
    const settlements = cells.map(([event, state]) => settle(EVENTS[event], STATES[state]));

    const sentences = settlements.flatMap(({ reason }) => reason ?? []);
    expect(sentences).toHaveLength(
      settlements.filter(({ kind }) => ['PARK', 'IGNORE', 'REFUND'].includes(kind)).length,
    );
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z0-9].*[^.]\.$/);
  });

  test('the parts of a settlement agree with each other and with its answer', () => {
    for (const [event, state] of cells) {
      const payment = EVENTS[event];
      const settlement = settle(payment, STATES[state]);
      const { kind, status, credited, refund, answer } = settlement;
      const isPaid = kind === 'PAY' || kind === 'RETAKE';
      expect(credited).toBe(isPaid || kind === 'REFUND');
      expect(refund !== null).toBe(status === 'REFUND_REQUIRED');
      expect(answer.outcome).toBe(status.toLowerCase());
      expect(answer.httpStatus).toBe(status === 'PARKED' ? 202 : 200);
      expect(answer.message).toBe(settlement.reason ?? 'Webhook processed successfully');
      expect(answer.orderStatus).toBe(isPaid ? 'PAID' : (STATES[state].order?.status ?? null));
    }
  });

  test.each([
    ['the amount that the event names', { amount: '5', currency: 'EUR' }, ['5', 'EUR']],
    ['what the hold costs where the event names no amount', { amount: null }, [TOTAL, 'USD']],
    [
      'nothing where the amount cannot be read',
      { amount: null, unreadableAmount: 'x' },
      [null, null],
    ],
  ])('a refund has %s', (_title, money, [amount, currency]) => {
    const hold = { total: TOTAL, currency: 'USD' };

    const { refund } = settle({ ...success, ...money }, { ...STATES['no order any more'], hold });

    expect(refund).toEqual({ reason: 'ORDER_NEVER_CREATED', amount, currency });
  });
});

describe('the check of amount and currency', () => {
  const kindOf = (payment: Partial<ReportedPayment>, order: Partial<OrderToSettle> = {}) =>
    textOf(settle({ ...success, ...payment }, { ...facts, order: { ...pendingOrder, ...order } }));

  test.each([['29.97'], ['29.970'], ['029.97'], ['29.970000']])('%s pays 29.97', (amount) => {
    expect(kindOf({ amount })).toBe('PAY');
  });

  test.each([['29.96'], ['29.98'], ['29.971'], ['2997'], ['0'], ['29.970001'], ['29.9']])(
    '%s does not pay 29.97',
    (amount) => {
      expect(kindOf({ amount })).toBe('REFUND AMOUNT_MISMATCH');
    },
  );

  test('1500.00 pays 1500 JPY, and 1500.5 does not', () => {
    const yen = { total: '1500', currency: 'JPY' };

    expect(kindOf({ amount: '1500.00', currency: 'JPY' }, yen)).toBe('PAY');
    expect(kindOf({ amount: '1500.5', currency: 'JPY' }, yen)).toBe('REFUND AMOUNT_MISMATCH');
  });

  test('999999999999999.98 does not pay 999999999999999.99, though they are one float', () => {
    const total = '999999999999999.99';

    expect(kindOf({ amount: total }, { total })).toBe('PAY');
    expect(kindOf({ amount: '999999999999999.98' }, { total })).toBe('REFUND AMOUNT_MISMATCH');
  });

  test('an amount without a currency is compared by its amount', () => {
    expect(kindOf({ currency: null })).toBe('PAY');
    expect(kindOf({ currency: null, amount: '1' })).toBe('REFUND AMOUNT_MISMATCH');
  });

  test('a currency without an amount is compared too', () => {
    expect(kindOf({ amount: null })).toBe('PAY');
    expect(kindOf({ amount: null, currency: 'EUR' })).toBe('REFUND AMOUNT_MISMATCH');
  });

  test('a success without amount and currency pays, unless an amount is required', () => {
    const silent = { ...success, amount: null, currency: null };

    const lenient = settle(silent, facts);
    const strict = settle(silent, { ...facts, requireAmount: true });

    expect(textOf(lenient)).toBe('PAY');
    expect(textOf(strict)).toBe('REFUND AMOUNT_MISMATCH');
  });

  test('a failure needs no amount where one is required', () => {
    const failed = { ...success, reportedStatus: 'failed', amount: null, currency: null };

    const settlement = settle(failed, { ...facts, requireAmount: true });

    expect(textOf(settlement)).toBe('RECORD');
  });

  test('a mismatch names the owed and the paid amount', () => {
    const less = settle({ ...success, amount: '30' }, facts);
    const other = settle({ ...success, currency: 'EUR' }, facts);

    expect(less).toMatchObject({ reason: '29.97 USD is owed, 30 was paid.' });
    expect(other).toMatchObject({ reason: 'USD is owed, EUR was paid.' });
  });
});

/** A purchase as plain values, with the effects of the use cases' settlements. */
class Purchase {
  status: OrderToSettle['status'] | null = null;
  cancelledBy: OrderToSettle['cancelledBy'] = null;
  holdEnded = false;
  unitsAvailable = true;
  /** The payment that has paid the order, while it is paid. */
  payer: string | null = null;
  readonly refunds: { readonly paymentId: string; readonly reason: string }[] = [];
  readonly credited = new Set<string>();
  /** The result of each delivery, by its label. */
  readonly fates = new Map<string, string>();
  /** The labels of all deliveries that were parked at any time. */
  readonly waited = new Set<string>();
  /** The deliveries that are parked now, in the order of receipt. */
  parked: Delivery[] = [];

  /** Every change of status, to compare with the legal moves. */
  readonly path: string[] = [];

  /** Like create-order.ts: refused from the deadline on, repeated where it exists, settles parked events. */
  createOrder(): void {
    if (this.status !== null || this.holdEnded) return;
    this.#become('PENDING');
    this.#drain();
  }

  /** Like receive-payment.ts and write-settlements.ts. */
  deliver(delivery: Delivery): void {
    const { kind, status, refund } = settle(delivery.payment, {
      order: this.status && {
        status: this.status,
        cancelledBy: this.cancelledBy,
        total: TOTAL,
        currency: 'USD',
      },
      hold: null,
      credited: this.credited.has(delivery.paymentId),
      waitOver: this.holdEnded,
      unitsAvailable: this.#isLate() && this.unitsAvailable,
      requireAmount: false,
    });
    this.fates.set(delivery.label, status);
    if (kind === 'PARK') {
      this.parked.push(delivery);
      this.waited.add(delivery.label);
    }
    if (refund !== null) this.#refund(delivery.paymentId, refund.reason);
    if (kind === 'PAY' || kind === 'RETAKE') {
      this.#become('PAID');
      this.cancelledBy = null;
      this.payer = delivery.paymentId;
      this.credited.add(delivery.paymentId);
    }
  }

  /** Reaches the deadline of the hold or, once there is an order, of the order, and sweeps. */
  deadline(): void {
    if (this.status === null) {
      this.holdEnded = true;
      this.#drain();
    } else if (this.status === 'PENDING') {
      this.#become('EXPIRED');
    }
  }

  /** Like cancel-order.ts. */
  cancelByBuyer(): void {
    if (this.status === 'PENDING') this.#cancel('BUYER');
  }

  /** Like admin-cancel-order.ts: refunds a paid order. */
  cancelByAdmin(): void {
    if (this.status !== 'PENDING' && this.status !== 'PAID') return;
    if (this.payer !== null) this.#refund(this.payer, 'ORDER_CANCELLED');
    this.payer = null;
    this.#cancel('OPERATOR');
  }

  #isLate(): boolean {
    return this.status === 'EXPIRED' || this.cancelledBy === 'BUYER';
  }

  #cancel(by: 'BUYER' | 'OPERATOR'): void {
    this.#become('CANCELLED');
    this.cancelledBy = by;
  }

  #drain(): void {
    for (const delivery of this.parked.splice(0)) this.deliver(delivery);
  }

  #refund(paymentId: string, reason: string): void {
    this.refunds.push({ paymentId, reason });
    this.credited.add(paymentId);
  }

  #become(status: OrderToSettle['status']): void {
    this.path.push(`${this.status ?? 'no order'} → ${status}`);
    this.status = status;
  }
}

interface Delivery {
  readonly label: string;
  readonly paymentId: string;
  readonly payment: ReportedPayment;
}

const LEGAL_MOVES = [
  'no order → PENDING',
  'PENDING → PAID',
  'PENDING → CANCELLED',
  'PENDING → EXPIRED',
  'EXPIRED → PAID',
  'CANCELLED → PAID',
  'PAID → CANCELLED',
];

const EVENTS = ['createOrder', 'failed', 'success', 'again', 'deadline'] as const;

type Event = (typeof EVENTS)[number];

const payment = (label: string, reportedStatus: string): Delivery => ({
  label,
  paymentId: 'pay_1',
  payment: { ...success, reportedStatus },
});

function run(events: readonly Event[], afterDeadline: 'free' | 'gone'): Purchase {
  const purchase = new Purchase();
  const steps: Record<Event, () => void> = {
    createOrder: () => purchase.createOrder(),
    failed: () => purchase.deliver(payment('failed', 'failed')),
    success: () => purchase.deliver(payment('success', 'success')),
    again: () => purchase.deliver(payment('again', 'success')),
    deadline: () => {
      purchase.deadline();
      purchase.unitsAvailable = afterDeadline === 'free';
    },
  };
  for (const event of events) steps[event]();
  return purchase;
}

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((first) =>
    permutations(list.filter((one) => one !== first)).map((rest) => [first, ...rest]),
  );
}

const ORDERS = permutations(EVENTS);

const endOf = ({ status, refunds }: Purchase): string =>
  [status ?? 'no order', ...refunds.map(({ reason }) => `refund ${reason}`)].join(', ');

describe('createOrder, a failure, a success, the same success again and the deadline, in every order', () => {
  const before = (events: readonly Event[], first: Event, second: Event) =>
    events.indexOf(first) < events.indexOf(second);

  /** The expected result, derived without the rules from three comparisons. */
  function expectedEnd(events: readonly Event[], afterDeadline: 'free' | 'gone'): string {
    const ordered = before(events, 'createOrder', 'deadline');
    const paidInTime = before(events, 'success', 'deadline') || before(events, 'again', 'deadline');
    if (!ordered) return 'no order, refund ORDER_NEVER_CREATED';
    return paidInTime || afterDeadline === 'free' ? 'PAID' : 'EXPIRED, refund PAID_TOO_LATE';
  }

  const runs = ORDERS.flatMap((events) =>
    (['free', 'gone'] as const).map((units) => [events.join(' → '), units, events] as const),
  );

  test('there are 240 different runs', () => {
    expect(runs).toHaveLength(240);
    expect(new Set(runs.map(([name, units]) => `${name} ${units}`)).size).toBe(240);
  });

  test.each(runs)('%s, units %s after the deadline', (_name, units, events) => {
    const purchase = run(events, units);

    expect(endOf(purchase)).toBe(expectedEnd(events, units));
    // The one payment either paid the order or is refunded.
    expect((purchase.status === 'PAID' ? 1 : 0) + purchase.refunds.length).toBe(1);
    expect(purchase.parked).toEqual([]);
    for (const move of purchase.path) expect(LEGAL_MOVES).toContain(move);
    expect([...purchase.fates.keys()].toSorted()).toEqual(['again', 'failed', 'success']);
    expect([...purchase.fates.values()]).not.toContain('PARKED');
  });

  test('exactly one of the two successes takes effect in each of the 240 runs', () => {
    const fates = runs.map(([, units, events]) => {
      const purchase = run(events, units);
      return [purchase.fates.get('success')!, purchase.fates.get('again')!].toSorted();
    });

    expect(new Set(fates.map(String))).toEqual(
      new Set(['APPLIED,IGNORED', 'IGNORED,REFUND_REQUIRED']),
    );
  });
});

describe('random payments, amounts, cancellations and deadlines', () => {
  type Step =
    | { readonly do: 'createOrder' | 'deadline' | 'cancelByBuyer' | 'cancelByAdmin' }
    | { readonly do: 'unitsAvailable'; readonly free: boolean }
    | { readonly do: 'deliver'; readonly paymentId: string; readonly payment: ReportedPayment };

  const plain = (verb: 'createOrder' | 'deadline' | 'cancelByBuyer' | 'cancelByAdmin') =>
    fc.constant<Step>({ do: verb });
  const delivery = fc.record({
    do: fc.constant('deliver' as const),
    paymentId: fc.constantFrom('pay_1', 'pay_2', 'pay_3'),
    payment: fc.record({
      reportedStatus: fc.constantFrom('success', 'success', 'failed', 'authorized'),
      amount: fc.constantFrom(TOTAL, TOTAL, '29.970', '1', '0', null),
      currency: fc.constantFrom('USD', 'USD', 'EUR', null),
    }),
  });
  const steps = fc.array(
    fc.oneof(
      { weight: 1, arbitrary: plain('createOrder') },
      { weight: 1, arbitrary: plain('deadline') },
      { weight: 1, arbitrary: plain('cancelByBuyer') },
      { weight: 1, arbitrary: plain('cancelByAdmin') },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('unitsAvailable' as const), free: fc.boolean() }),
      },
      { weight: 5, arbitrary: delivery as fc.Arbitrary<Step> },
    ),
    { maxLength: 14 },
  );

  function take(purchase: Purchase, step: Step, position: number): void {
    if (step.do === 'deliver') purchase.deliver({ ...step, label: String(position) });
    else if (step.do === 'unitsAvailable') purchase.unitsAvailable = step.free;
    else purchase[step.do]();
  }

  test('end with each successful payment either credited to the order or refunded once, by legal moves only', () => {
    const property = fc.property(steps, (story) => {
      const purchase = new Purchase();
      const succeeded = new Set<string>();
      story.forEach((step, position) => {
        take(purchase, step, position);
        if (step.do === 'deliver' && step.payment.reportedStatus === 'success') {
          succeeded.add(step.paymentId);
        }
      });
      // After the deadline no event may stay parked.
      purchase.deadline();

      const paying = purchase.payer === null ? [] : [purchase.payer];
      const refunded = purchase.refunds.map(({ paymentId }) => paymentId);
      expect([...paying, ...refunded].toSorted()).toEqual([...succeeded].toSorted());
      expect(paying.length).toBe(purchase.status === 'PAID' ? 1 : 0);
      expect(purchase.parked).toEqual([]);
      for (const move of purchase.path) expect(LEGAL_MOVES).toContain(move);
    });

    fc.assert(property, { numRuns: 1000 });
  });
});

const FATES: Readonly<Record<string, string>> = {
  APPLIED: 'applied',
  IGNORED: 'ignored',
  REFUND_REQUIRED: 'refunded',
};

function cellOf(purchase: Purchase): string {
  const fates = (['failed', 'success', 'again'] as const).map((label) => {
    const fate = purchase.fates.get(label)!;
    const word = label === 'failed' && fate === 'APPLIED' ? 'recorded' : FATES[fate]!;
    return `${label} ${word}${purchase.waited.has(label) ? ' (parked)' : ''}`;
  });
  return `**${endOf(purchase)}**; ${fates.join(', ')}`;
}

/** A table whose columns are as wide as their widest cell, as prettier formats it. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join(
    '\n',
  );
}

const SECTIONS: Readonly<Record<string, readonly [string, string]>> = {
  'PAID / PAID': [
    'Order and payment before the deadline',
    'The order is created before the deadline, and a success arrives before it too, possibly before the order.',
  ],
  'PAID / EXPIRED, refund PAID_TOO_LATE': [
    'Order before the deadline, payment after it',
    'The order is created before the deadline and both successes arrive after it: a late payment buys only available units.',
  ],
  'no order, refund ORDER_NEVER_CREATED / no order, refund ORDER_NEVER_CREATED': [
    'Deadline before the order',
    'The hold ends without an order: createOrder is refused, and every payment is refunded.',
  ],
};

function documentOf(): string {
  const rows = ORDERS.map((events) => {
    const free = run(events, 'free');
    const gone = run(events, 'gone');
    const same = cellOf(free) === cellOf(gone);
    return {
      section: `${endOf(free)} / ${endOf(gone)}`,
      cells: [events.join(' → '), cellOf(free), same ? 'the same' : cellOf(gone)],
    };
  });
  const sections = Object.entries(SECTIONS).map(([section, [title, sentence]]) => {
    const cells = rows.filter((row) => row.section === section).map((row) => row.cells);
    return [
      `## ${title} (${cells.length} of ${rows.length})`,
      sentence,
      markdownTable([
        ['order of events', 'units free after the deadline', 'units gone after the deadline'],
        ...cells,
      ]),
    ].join('\n\n');
  });
  return [
    '# Settlement: five events in every order',
    [
      'The result of one purchase when `createOrder`, a failed attempt (`failed`), a success (`success`), the same',
      'payment’s success under another key (`again`) and the deadline happen in every possible order: 120 orders, each',
      'with the units available or held by others after the deadline. `deadline` is the hold’s while there is no order, and',
      'the order’s payment deadline from then on. In each of the 240 runs the payment counts exactly once: it',
      'paid the order, or opened one refund. `(parked)`: it arrived before the order and waited, until the order',
      'was created or the hold ended.',
    ].join('\n'),
    [
      'Generated by `tests/unit/settlement.test.ts`, which fails when this file differs from the rules. To write it',
      'again: `UPDATE_DOCS=true npm test -- tests/unit/settlement`.',
    ].join('\n'),
    ...sections,
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

test('docs/settlement.md lists the results of the rules', () => {
  const generated = documentOf();
  if (process.env['UPDATE_DOCS'] === 'true') {
    mkdirSync(dirname(DOCS), { recursive: true });
    writeFileSync(DOCS, generated);
  }

  const committed = existsSync(DOCS) ? readFileSync(DOCS, 'utf8') : '';

  expect(generated.match(/^\| (?:createOrder|failed|success|again|deadline)/gm)).toHaveLength(120);
  expect(committed).toBe(generated);
});
