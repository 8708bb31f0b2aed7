import fc from 'fast-check';
import {
  decideHolds,
  holdNotActive,
  holdStatus,
  type HoldFacts,
  type HoldRequest,
} from '../../src/shop/purchases/hold.rules.ts';
import type { Metadata } from '../../src/shop/purchases/metadata.rules.ts';
import { isRefusal } from '../../src/shop/refusal.ts';
import type { StockCount } from '../../src/shop/stock/stock.rules.ts';

const PRODUCT_ID = 7;

const now = new Date('2026-11-27T10:00:00.000Z');

interface Earlier {
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
  readonly metadata: Metadata;
}

const factsWith = (
  product: Partial<HoldFacts<Earlier>['product']> = {},
  more: Partial<HoldFacts<Earlier>> = {},
): HoldFacts<Earlier> => ({
  now,
  product: {
    saleStartsAt: null,
    saleEndsAt: null,
    salePaused: false,
    maxPerHold: 10,
    maxPerCustomer: null,
    ...product,
  },
  earlier: new Map(),
  unitsOf: new Map(),
  ...more,
});

const stock = (available: number, held = 0, sold = 0): StockCount => ({
  productId: PRODUCT_ID,
  version: 1,
  total: available + held + sold,
  available,
  held,
  sold,
  soldOutAt: null,
  readAt: now,
});

const request = (quantity: number, more: Partial<HoldRequest> = {}): HoldRequest => ({
  quantity,
  customerId: null,
  metadata: {},
  keyHash: null,
  ...more,
});

type Decision = ReturnType<typeof decideHolds<Earlier>>[number];

const nameOf = (decision: Decision): string =>
  isRefusal(decision) ? decision.code : decision.kind;

const decide = (
  facts: HoldFacts<Earlier>,
  count: StockCount,
  ...requests: HoldRequest[]
): Decision[] => decideHolds(facts, count, requests);

describe('the checks apply in their order of precedence', () => {
  const notYet = { saleStartsAt: new Date(now.getTime() + 1) };
  const keyHash = 'key';
  const reused = { earlier: new Map([[keyHash, { ...request(1), productId: PRODUCT_ID }]]) };
  const limited = { maxPerHold: 2, maxPerCustomer: 2 };

  test.each([
    [
      'a reused key before every other check',
      'IDEMPOTENCY_KEY_REUSED',
      { ...limited, ...notYet },
      { keyHash },
    ],
    ['a closed sale before the size', 'SALE_NOT_OPEN', { ...limited, ...notYet }, {}],
    ['the size before the missing customer, limit and stock', 'BAD_USER_INPUT', limited, {}],
    [
      'the missing customer before the limit and stock',
      'BAD_USER_INPUT',
      { maxPerCustomer: 2 },
      {},
    ],
    [
      'the limit before the stock',
      'PURCHASE_LIMIT_EXCEEDED',
      { maxPerCustomer: 2 },
      { customerId: 'anna' },
    ],
    ['the stock last', 'INSUFFICIENT_STOCK', { maxPerCustomer: 9 }, { customerId: 'anna' }],
  ])('%s: %s', (_title, code, product, more) => {
    const facts = factsWith(product, reused);

    const decisions = decide(facts, stock(0), request(3, more));

    expect(decisions.map(nameOf)).toEqual([code]);
  });

  test('a quantity of 3 over a maximum of 2 is refused before a missing customerId', () => {
    const [decision] = decide(factsWith(limited), stock(9), request(3));

    expect(decision).toEqual({
      code: 'BAD_USER_INPUT',
      message: 'quantity is 3; one hold of this product takes at most 2.',
      retryable: false,
    });
  });
});

describe('the refusal of a hold', () => {
  test('names the requested and the available units', () => {
    const [decision] = decide(factsWith(), stock(2, 4, 4), request(3));

    expect(decision).toEqual({
      code: 'INSUFFICIENT_STOCK',
      message: '3 requested, 2 available.',
      retryable: true,
      availableStock: 2,
      stockStatus: 'AVAILABLE',
    });
  });

  test.each([
    ['may be retried while enough units are held', stock(0, 5, 5), 'ALL_HELD', true],
    ['is final when all units are sold', stock(0, 0, 10), 'SOLD_OUT', false],
    ['is final when 2 units are held and 3 requested', stock(0, 2, 8), 'ALL_HELD', false],
    ['may be retried when 3 units are held and 3 requested', stock(0, 3, 7), 'ALL_HELD', true],
  ])('%s', (_title, count, stockStatus, retryable) => {
    const [decision] = decide(factsWith(), count, request(3));

    expect(decision).toMatchObject({
      message: '3 requested, 0 available.',
      stockStatus,
      retryable,
    });
  });

  test('counts the units that earlier requests of the batch have taken', () => {
    const decisions = decide(factsWith(), stock(5), request(4), request(2), request(2));

    expect(decisions.map(nameOf)).toEqual(['create', 'INSUFFICIENT_STOCK', 'INSUFFICIENT_STOCK']);
    expect(decisions[1]).toMatchObject({ message: '2 requested, 1 available.', availableStock: 1 });
  });

  test('says ALL_HELD when an earlier request of the batch took the last unit', () => {
    const decisions = decide(factsWith(), stock(1, 0, 9), request(1), request(1));

    expect(decisions[1]).toMatchObject({ stockStatus: 'ALL_HELD', retryable: true });
  });

  test('a sale is open from its start up to, not including, its end', () => {
    const opens = new Date(now.getTime() + 1500);
    const closed = new Date(now.getTime() - 1);

    const [early] = decide(factsWith({ saleStartsAt: opens }), stock(1), request(1));
    const [atOnce] = decide(factsWith({ saleStartsAt: now }), stock(1), request(1));
    const [atTheEnd] = decide(factsWith({ saleEndsAt: now }), stock(1), request(1));
    const [late] = decide(factsWith({ saleEndsAt: closed }), stock(1), request(1));

    expect(early).toEqual({
      code: 'SALE_NOT_OPEN',
      message: 'The sale opens at 2026-11-27T10:00:01.500Z.',
      retryable: true,
      saleStatus: 'UPCOMING',
      startsAt: opens,
      endsAt: null,
      opensInMs: 1500,
    });
    expect(nameOf(atOnce!)).toBe('create');
    expect(atTheEnd).toMatchObject({ saleStatus: 'ENDED', retryable: false, opensInMs: null });
    expect(late).toMatchObject({ message: 'The sale ended at 2026-11-27T09:59:59.999Z.' });
  });

  test('a customer with 2 of 3 units may hold 1 more, not 2', () => {
    const facts = factsWith(
      { maxPerCustomer: 3 },
      { unitsOf: new Map([['anna', { units: 2, paid: 1 }]]) },
    );

    const [two] = decide(facts, stock(9), request(2, { customerId: 'anna' }));
    const [one] = decide(facts, stock(9), request(1, { customerId: 'anna' }));

    expect(two).toEqual({
      code: 'PURCHASE_LIMIT_EXCEEDED',
      message: '2 requested, 1 of 3 remaining for this customer.',
      retryable: true,
      limit: 3,
      remaining: 1,
    });
    expect(nameOf(one!)).toBe('create');
  });

  test('a limit that paid units exhaust is final, and a limit below the owned units leaves 0', () => {
    const facts = factsWith(
      { maxPerCustomer: 3 },
      { unitsOf: new Map([['anna', { units: 4, paid: 4 }]]) },
    );

    const [decision] = decide(facts, stock(9), request(1, { customerId: 'anna' }));

    expect(decision).toMatchObject({
      message: '1 requested, 0 of 3 remaining for this customer.',
      retryable: false,
      remaining: 0,
    });
  });

  test('a product with a limit per customer requires a customerId, one without does not', () => {
    const [limited] = decide(factsWith({ maxPerCustomer: 3 }), stock(9), request(1));
    const [unlimited] = decide(factsWith(), stock(9), request(1));

    expect(limited).toMatchObject({
      message: 'customerId is missing; this product has a limit per customer.',
    });
    expect(nameOf(unlimited!)).toBe('create');
  });
});

describe('one batch', () => {
  test('a request for 5 of 3 units is refused, and later requests receive the 3', () => {
    const decisions = decide(factsWith(), stock(3), request(5), request(2), request(1));

    expect(decisions.map(nameOf)).toEqual(['INSUFFICIENT_STOCK', 'create', 'create']);
  });

  test('units of earlier requests of the batch count towards the customer’s limit', () => {
    const anna = { customerId: 'anna' };
    const facts = factsWith({ maxPerCustomer: 2 });

    const decisions = decide(
      facts,
      stock(9),
      request(1, anna),
      request(1, anna),
      request(1, anna),
      request(2, { customerId: 'ben' }),
    );

    expect(decisions.map(nameOf)).toEqual([
      'create',
      'create',
      'PURCHASE_LIMIT_EXCEEDED',
      'create',
    ]);
  });

  test('requests with equal keys are one hold and take its units once', () => {
    const first = request(1, { keyHash: 'key' });

    const decisions = decide(
      factsWith(),
      stock(2),
      first,
      request(1, { keyHash: 'key' }),
      request(1),
      request(1),
    );

    expect(decisions.map(nameOf)).toEqual(['create', 'repeat', 'create', 'INSUFFICIENT_STOCK']);
    expect(decisions[1]).toEqual({ kind: 'repeat', request: first });
  });

  test('an equal key with another quantity or customer is refused, and the first hold remains', () => {
    const decisions = decide(
      factsWith(),
      stock(9),
      request(1, { keyHash: 'key', customerId: 'anna' }),
      request(2, { keyHash: 'key', customerId: 'anna' }),
      request(1, { keyHash: 'key', customerId: 'ben' }),
      request(1, { keyHash: 'key' }),
    );

    expect(decisions.map(nameOf)).toEqual(['create', ...Array(3).fill('IDEMPOTENCY_KEY_REUSED')]);
  });

  test('a refused key is free: the same key with a smaller quantity gets a new decision', () => {
    const decisions = decide(
      factsWith(),
      stock(2),
      request(3, { keyHash: 'key' }),
      request(2, { keyHash: 'key' }),
      request(2, { keyHash: 'key' }),
    );

    expect(decisions.map(nameOf)).toEqual(['INSUFFICIENT_STOCK', 'create', 'repeat']);
  });

  test('requests without a key are separate holds', () => {
    const decisions = decide(factsWith(), stock(2), request(1), request(1));

    expect(decisions.map(nameOf)).toEqual(['create', 'create']);
  });

  test('an empty batch decides nothing', () => {
    expect(decide(factsWith(), stock(2))).toEqual([]);
  });
});

describe('a key of an earlier hold', () => {
  const metadata = { gift: 'yes', size: 'M' };
  const earlier: Earlier = { productId: PRODUCT_ID, quantity: 2, customerId: 'anna', metadata };
  const again = request(2, { keyHash: 'key', customerId: 'anna', metadata });
  const withEarlier = (hold: Earlier, product = {}) =>
    factsWith(product, { earlier: new Map([['key', hold]]) });

  test('returns its hold even after the sale, beyond the limit and without stock', () => {
    const facts = withEarlier(earlier, { saleEndsAt: now, maxPerHold: 1, maxPerCustomer: 1 });

    const [decision] = decide(facts, stock(0), again);

    expect(decision).toEqual({ kind: 'earlier', hold: earlier });
  });

  test('returns its hold for the same notes in another order', () => {
    const reordered = { ...again, metadata: { size: 'M', gift: 'yes' } };

    const [decision] = decide(withEarlier(earlier), stock(9), reordered);

    expect(decision).toEqual({ kind: 'earlier', hold: earlier });
  });

  test.each([
    ['product', { ...earlier, productId: PRODUCT_ID + 1 }],
    ['quantity', { ...earlier, quantity: 1 }],
    ['customer', { ...earlier, customerId: 'ben' }],
    ['lack of a customer', { ...earlier, customerId: null }],
    ['note', { ...earlier, metadata: { gift: 'no', size: 'M' } }],
    ['number of notes', { ...earlier, metadata: { ...metadata, card: '' } }],
  ])('for another %s is refused', (_what, hold) => {
    const [decision] = decide(withEarlier(hold), stock(9), again);

    expect(nameOf(decision!)).toBe('IDEMPOTENCY_KEY_REUSED');
  });
});

describe('any batch', () => {
  const customerIds = ['anna', 'ben', 'carl'] as const;
  const requests = fc.array(
    fc.record({
      quantity: fc.integer({ min: 1, max: 7 }),
      customerId: fc.constantFrom(...customerIds, null),
      metadata: fc.constant({}),
      keyHash: fc.constantFrom('key 1', 'key 2', 'key 3', null, null, null),
    }),
    { maxLength: 30 },
  );
  const units = fc.record({ units: fc.nat(4), paid: fc.nat(2) });
  const world = fc.record({
    requests,
    available: fc.nat(25),
    held: fc.nat(5),
    sold: fc.nat(5),
    maxPerHold: fc.integer({ min: 1, max: 8 }),
    maxPerCustomer: fc.option(fc.integer({ min: 1, max: 8 })),
    earlierUnits: fc.dictionary(fc.constantFrom(...customerIds), units),
  });

  test('respects stock, limits and keys, and refuses no request that fits', () => {
    const property = fc.property(world, ({ available, held, sold, earlierUnits, ...input }) => {
      const { maxPerHold, maxPerCustomer } = input;
      const facts = factsWith(
        { maxPerHold, maxPerCustomer },
        { unitsOf: new Map(Object.entries(earlierUnits)) },
      );
      const count = stock(available, held, sold);

      const decisions = decideHolds(facts, count, input.requests);

      expect(decisions).toHaveLength(input.requests.length);
      let left = available;
      const owned = new Map(Object.entries(earlierUnits).map(([id, { units: has }]) => [id, has]));
      const keys: string[] = [];
      decisions.forEach((decision, position) => {
        const { quantity, customerId, keyHash } = input.requests[position]!;
        const owns = owned.get(customerId ?? '') ?? 0;
        if (isRefusal(decision)) {
          if (decision.code === 'INSUFFICIENT_STOCK') {
            expect(decision.availableStock).toBe(left);
            expect(quantity).toBeGreaterThan(left);
          }
          if (decision.code === 'PURCHASE_LIMIT_EXCEEDED')
            expect(owns + quantity).toBeGreaterThan(maxPerCustomer!);
        } else if (decision.kind === 'create') {
          expect(decision.request).toBe(input.requests[position]);
          expect(quantity).toBeLessThanOrEqual(Math.min(left, maxPerHold));
          if (maxPerCustomer !== null) expect(owns + quantity).toBeLessThanOrEqual(maxPerCustomer);
          left -= quantity;
          if (customerId !== null) owned.set(customerId, owns + quantity);
          if (keyHash !== null) keys.push(keyHash);
        } else {
          // There are no earlier holds.
          expect(decision).toMatchObject({
            kind: 'repeat',
            request: { quantity, customerId, keyHash },
          });
        }
      });
      expect(left).toBeGreaterThanOrEqual(0);
      expect(new Set(keys).size).toBe(keys.length);
      // The decision is pure: it does not change its arguments.
      expect(count).toEqual(stock(available, held, sold));
      expect(facts.unitsOf).toEqual(new Map(Object.entries(earlierUnits)));
    });

    fc.assert(property, { numRuns: 1000 });
  });
});

describe('a hold at its deadline', () => {
  const expiresAt = new Date('2026-11-27T10:02:00.000Z');
  const at = (ms: number, status: 'ACTIVE' | 'CONVERTED' | 'EXPIRED' | 'RELEASED' = 'ACTIVE') => ({
    status,
    expiresAt,
    readAt: new Date(expiresAt.getTime() + ms),
  });

  test('is active one millisecond before it and expired exactly at it, before any sweep', () => {
    expect([-1, 0, 1].map((ms) => holdStatus(at(ms)))).toEqual(['ACTIVE', 'EXPIRED', 'EXPIRED']);
  });

  test('keeps its status when it has already ended', () => {
    for (const status of ['CONVERTED', 'RELEASED', 'EXPIRED'] as const) {
      expect([-1, 0, 1].map((ms) => holdStatus(at(ms, status)))).toEqual(Array(3).fill(status));
    }
  });

  test('can be used before it and not at it', () => {
    expect(holdNotActive(at(-1))).toBeUndefined();
    expect(holdNotActive(at(0))).toEqual({
      code: 'HOLD_EXPIRED',
      message: 'This hold expired.',
      retryable: false,
      status: 'EXPIRED',
    });
  });

  test('names its end in the refusal', () => {
    expect(holdNotActive(at(-1, 'RELEASED'))).toMatchObject({
      code: 'HOLD_RELEASED',
      message: 'This hold was released.',
    });
    expect(holdNotActive(at(-1, 'CONVERTED'))).toMatchObject({
      code: 'HOLD_CONVERTED',
      message: 'This hold became an order.',
    });
    expect(holdNotActive(at(-1, 'EXPIRED'))).toMatchObject({ code: 'HOLD_EXPIRED' });
  });
});
