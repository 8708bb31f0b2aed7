import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { readEvent } from '../../src/server/webhook/event.ts';

const orderId = randomUUID();

const whole = {
  payment_id: 'pay_1',
  order_id: orderId,
  status: 'success',
  idempotency_key: 'evt_1',
  amount: 29.97,
  currency: 'USD',
};

const without = (name: keyof typeof whole): object =>
  Object.fromEntries(Object.entries(whole).filter(([field]) => field !== name));

/** A request body with the given JSON text for one field. */
const withJson = (name: string, json: string): object =>
  JSON.parse(
    `{"payment_id":"pay_1","order_id":"${orderId}","status":"success","idempotency_key":"evt_1","${name}":${json}}`,
  ) as object;

const read = (body: object, headerKey?: string) => {
  const event = readEvent(body, headerKey);
  return event.kind === 'event' ? event.fields : { wrong: event.errors };
};

const wrongIn = (body: object, headerKey?: string): string[] => {
  const event = readEvent(body, headerKey);
  return event.kind === 'invalid' ? Object.keys(event.errors) : [];
};

test('an event with all fields is parsed into the shop’s terms', () => {
  expect(read(whole)).toEqual({
    idempotencyKey: 'evt_1',
    paymentId: 'pay_1',
    orderId,
    reportedStatus: 'success',
    amount: '29.97',
    unreadableAmount: null,
    currency: 'USD',
    ignoredBecause: null,
  });
});

test('amount and currency may be absent', () => {
  expect(read(without('amount'))).toMatchObject({ amount: null, currency: 'USD' });
  expect(read(without('currency'))).toMatchObject({ amount: '29.97', currency: null });
});

test('further fields are ignored', () => {
  expect(read({ ...whole, amount_refunded: 5, metadata: { order_id: 'x' } })).toEqual(read(whole));
});

describe('the amount', () => {
  test.each([
    ['29.97', '29.97'],
    ['"29.97"', '29.97'],
    ['"29.970"', '29.97'],
    ['29.970', '29.97'],
    ['2.997e1', '29.97'],
    ['2997e-2', '29.97'],
    ['"029.97"', '29.97'],
    ['"29.970000"', '29.97'],
    ['30', '30'],
    ['30.00', '30'],
    ['"30"', '30'],
    ['0', '0'],
    ['"0.00"', '0'],
    ['0.000001', '0.000001'],
    ['"0.000001"', '0.000001'],
    ['1e3', '1000'],
    ['999999999999999', '999999999999999'],
    ['"999999999999999.999999"', '999999999999999.999999'],
    ['0.1', '0.1'],
    ['1.005', '1.005'],
    ['4.35', '4.35'],
  ])('%s is %s', (json, amount) => {
    expect(read(withJson('amount', json))).toMatchObject({ amount });
  });

  const UNREADABLE: [string, string][] = [
    ['a minus zero', '-0'],
    ['a minus zero with decimals', '-0.0'],
    ['a negative number', '-1'],
    ['a negative number with decimals', '-29.97'],
    ['a signed string', '"-1"'],
    ['a minus zero in a string', '"-0"'],
    ['a plus', '"+1"'],
    ['an exponent in a string', '"1e2"'],
    ['an exponent in a string, upper case', '"1E2"'],
    ['infinity', '1e400'],
    ['minus infinity', '-1e400'],
    ['the word Infinity', '"Infinity"'],
    ['the word NaN', '"NaN"'],
    ['a space before', '" 1"'],
    ['a space behind', '"1 "'],
    ['a line end behind', '"1\\n"'],
    ['a point without decimals', '"1."'],
    ['a point without a whole', '".5"'],
    ['a point alone', '"."'],
    ['two points', '"1.2.3"'],
    ['a comma', '"29,97"'],
    ['thousands', '"1,000.00"'],
    ['a currency sign', '"$29.97"'],
    ['hexadecimal', '"0x10"'],
    ['digits of another script', '"٢٩"'],
    ['an empty string', '""'],
    ['16 digits', '1000000000000000'],
    ['16 digits in a string', '"1000000000000000"'],
    ['16 digits, zeros before', '"0000000000000001"'],
    ['7 decimals', '0.1234567'],
    ['7 decimals in a string', '"0.1234567"'],
    ['7 decimals, zeros behind', '"29.9700000"'],
    ['a number so small that its text has an exponent', '1e-7'],
    ['a number so large that its text has an exponent', '1e21'],
  ];

  test.each(UNREADABLE)('%s is unreadable; a success keeps its text: %s', (_title, json) => {
    const value: unknown = JSON.parse(json);
    const text = Object.is(value, -0) ? '-0' : String(value);

    expect(read(withJson('amount', json))).toMatchObject({ amount: null, unreadableAmount: text });
  });

  test.each(UNREADABLE)('%s is invalid in any other event: %s', (_title, json) => {
    const others = [
      { status: 'failed' },
      { status: 'pending' },
      { payment_id: '' },
      { order_id: '1' },
    ];

    for (const other of others)
      expect(wrongIn({ ...withJson('amount', json), ...other })).toContain('amount');
  });

  test('characters that a database cannot store are kept as JSON escapes', () => {
    expect(read(withJson('amount', '"29\\u0000"'))).toMatchObject({
      unreadableAmount: '29\\u0000',
    });
    expect(read(withJson('amount', '"\\ud800"'))).toMatchObject({ unreadableAmount: '\\ud800' });
  });

  test.each([
    ['null', 'null'],
    ['true', 'true'],
    ['an array', '[29.97]'],
    ['an object', '{"value":29.97}'],
  ])('%s is invalid: %s', (_title, json) => {
    expect(read(withJson('amount', json))).toEqual({
      wrong: {
        amount: 'must be a plain decimal, at most 15 digits before the point and 6 after it',
      },
    });
  });

  test('a JSON number of up to 15 digits is read as its shortest decimal text', () => {
    const cents = fc.integer({ min: 0, max: 999_999_999_999_999 });
    fc.assert(
      fc.property(cents, (minor) => {
        const text = `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, '0')}`;

        expect(read(withJson('amount', text))).toEqual(read(withJson('amount', `"${text}"`)));
      }),
    );
  });
});

describe('the currency', () => {
  test.each([
    ['usd', 'USD'],
    ['Usd', 'USD'],
    ['JPY', 'JPY'],
  ])('%s is %s', (currency, upper) => {
    expect(read({ ...whole, currency })).toMatchObject({ currency: upper });
  });

  test.each([
    ['US'],
    ['USDT'],
    [''],
    [' USD'],
    ['USD\n'],
    ['U5D'],
    ['ÜSD'],
    ['ſsd'],
    [null],
    [840],
  ])('%j is invalid', (currency) => {
    expect(wrongIn({ ...whole, currency })).toEqual(['currency']);
  });
});

describe('the order', () => {
  test('is a UUID of any version, compared without case', () => {
    expect(read({ ...whole, order_id: orderId.toUpperCase() })).toMatchObject({ orderId });
    expect(wrongIn({ ...whole, order_id: '00000000-0000-0000-0000-000000000000' })).toEqual([]);
  });

  test.each([
    [''],
    ['42'],
    [`${randomUUID()} `],
    [`{${randomUUID()}}`],
    [randomUUID().replaceAll('-', '')],
    [42],
    [null],
    [[randomUUID()]],
  ])('%j is no order', (order_id) => {
    expect(wrongIn({ ...whole, order_id })).toEqual(['order_id']);
  });
});

describe('texts', () => {
  const FIELDS = ['idempotency_key', 'payment_id', 'status'] as const;

  test('status is any word that is not empty', () => {
    expect(wrongIn({ ...whole, status: 'x'.repeat(10_000) })).toEqual([]);
    expect(wrongIn({ ...whole, status: '' })).toEqual(['status']);
  });

  test.each(['idempotency_key', 'payment_id'])(
    '%s has 1 to 255 characters of any number of bytes',
    (name) => {
      const lengths = [1, 255].flatMap((length) =>
        ['x', 'é', '😀'].map((one) => one.repeat(length)),
      );

      expect(lengths.flatMap((text) => wrongIn({ ...whole, [name]: text }))).toEqual([]);
      expect(
        ['', 'x'.repeat(256), '😀'.repeat(256)].map((text) => wrongIn({ ...whole, [name]: text })),
      ).toEqual(Array(3).fill([name]));
    },
  );

  test.each(FIELDS)('%s may contain neither NUL nor a lone surrogate', (name) => {
    const broken = ['\0', 'x\0', '\uD83D', '\uDE00', 'x\uD83Dx', '\uDE00\uD83D'];

    expect(broken.map((text) => wrongIn({ ...whole, [name]: text }))).toEqual(
      broken.map(() => [name]),
    );
  });

  test.each(['payment_id', 'status'])('%s is a string', (name) => {
    const others = [1, true, null, [], ['pay_1'], {}];

    expect(others.map((value) => wrongIn({ ...whole, [name]: value }))).toEqual(
      others.map(() => [name]),
    );
  });

  test('a key may not contain control characters; a payment id and a status may', () => {
    const controls = ['\n', '\t', '\r', '\u007F', '\u0085', '\u001B'];

    expect(controls.map((one) => wrongIn({ ...whole, idempotency_key: `x${one}` }))).toEqual(
      controls.map(() => ['idempotency_key']),
    );
    expect(controls.flatMap((one) => wrongIn({ ...whole, payment_id: `x${one}` }))).toEqual([]);
  });

  test('any other text is a status', () => {
    expect(read({ ...whole, status: 'SUCCESS' })).toMatchObject({ reportedStatus: 'SUCCESS' });
    expect(read({ ...whole, status: 'requires action' })).toMatchObject({
      reportedStatus: 'requires action',
    });
  });
});

describe('the key of an event', () => {
  test('comes from the header where the body has none, and from the body where both have one', () => {
    expect(read(without('idempotency_key'), 'msg_1')).toMatchObject({ idempotencyKey: 'msg_1' });
    expect(read(whole, 'msg_1')).toMatchObject({ idempotencyKey: 'evt_1' });
  });

  test('has the same form in the header', () => {
    expect(wrongIn(without('idempotency_key'), 'x'.repeat(255))).toEqual([]);
    for (const key of ['', 'x'.repeat(256), 'x\n']) {
      expect(wrongIn(without('idempotency_key'), key)).toEqual(['idempotency_key']);
    }
  });

  test('is invalid where that of the body is invalid, even with a valid header', () => {
    for (const idempotency_key of ['', 1, [], 'x\0']) {
      expect(wrongIn({ ...whole, idempotency_key }, 'msg_1')).toEqual(['idempotency_key']);
    }
  });

  test('is missing where neither has one', () => {
    expect(read(without('idempotency_key'))).toEqual({
      wrong: { idempotency_key: 'missing; it must be 1 to 255 printable characters' },
    });
  });
});

describe('the errors of an event', () => {
  test('are reported for all fields at once', () => {
    expect(read({})).toEqual({
      wrong: {
        idempotency_key: 'missing; it must be 1 to 255 printable characters',
        payment_id: 'missing; it must be a string of 1 to 255 characters',
        order_id: 'missing; it must be a UUID',
        status: 'missing; it must be "success", "failed" or another word',
      },
    });
    expect(wrongIn({ ...whole, amount: -1, currency: 'dollar', status: 1 }).toSorted()).toEqual([
      'amount',
      'currency',
      'status',
    ]);
  });
});

describe('prototypes', () => {
  test('__proto__ in a body adds nothing to the event and changes no object', () => {
    const inherited = JSON.parse(`{"__proto__":${JSON.stringify(whole)}}`) as object;
    const polluting = JSON.parse(
      `${JSON.stringify(whole).slice(0, -1)},"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}`,
    ) as object;

    expect(wrongIn(inherited).toSorted()).toEqual([
      'idempotency_key',
      'order_id',
      'payment_id',
      'status',
    ]);
    expect(read(polluting)).toEqual(read(whole));
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test('inherited properties are not part of the event', () => {
    const heir = Object.create(whole) as object;

    expect(wrongIn(heir)).toHaveLength(4);
  });

  test('no body makes the parser throw', () => {
    fc.assert(
      fc.property(fc.object({ withNullPrototype: true }), fc.option(fc.string()), (body, key) => {
        expect(() => readEvent(body, key ?? undefined)).not.toThrow();
      }),
    );
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});
