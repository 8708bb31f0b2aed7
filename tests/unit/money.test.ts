import fc from 'fast-check';
import { CURRENCIES_TAKEN, NOT_PAYABLE, PAYABLE_DIGITS } from '../../src/lib/currencies.ts';
import {
  canonicalDecimal,
  currencyDigits,
  decimalText,
  isPayableCurrency,
  minorFromDecimal,
  receivedText,
} from '../../src/lib/money.ts';

const CURRENCIES = ['USD', 'EUR', 'JPY', 'KWD', 'CLF'] as const;

test.each([
  ['USD', 2],
  ['JPY', 0],
  ['KWD', 3],
  ['CLF', 4],
])('%s has %i decimal digits', (currency, digits) => {
  expect(currencyDigits(currency)).toBe(digits);
});

describe('the list of currencies', () => {
  test('is ISO 4217 as published on 2026-09-17: 155 currencies and 23 other codes', () => {
    expect(CURRENCIES_TAKEN).toBe('2026-09-17');
    expect(PAYABLE_DIGITS.size).toBe(155);
    expect(new Set(NOT_PAYABLE).size).toBe(23);
    expect(NOT_PAYABLE.filter(isPayableCurrency)).toEqual([]);
    expect([...PAYABLE_DIGITS.keys()].filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
  });

  test.each(['XCG', 'SLE', 'VED', 'VES', 'ZWG', 'MRU', 'STN', 'BYN', 'UYU', 'XOF', 'XPF'])(
    'has %s',
    (code) => {
      expect(isPayableCurrency(code)).toBe(true);
    },
  );

  const OTHERS = `ANG HRK BGN CUC SLL ZWL VEF MRO STD BYR LTL DEM EEK XXX XTS XAU XAG XPT XPD XDR XSU
    XUA XBA XBB XBC XBD XAD CHE CHW CLF COU MXV USN USS UYI UYW BOV BTC usd`;

  test.each(OTHERS.split(/\s+/))('does not have %s', (code) => {
    expect(isPayableCurrency(code)).toBe(false);
  });

  test('has the digits of ISO 4217', () => {
    const digits = ['JPY', 'ISK', 'UGX', 'CLP', 'MGA', 'MRU', 'HUF', 'TWD', 'IQD', 'LYD', 'TND'];

    expect(digits.map((code) => PAYABLE_DIGITS.get(code))).toEqual([
      0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 3,
    ]);
  });

  test('keeps the digits of currencies that earlier versions accepted', () => {
    expect(decimalText({ minor: 2999n, currency: 'ANG' })).toBe('29.99');
    expect(decimalText({ minor: 2999n, currency: 'BGN' })).toBe('29.99');
  });
});

test.each([[''], ['US'], ['BTC'], ['USDT'], ['__proto__'], ['constructor']])(
  '"%s" is no currency',
  (currency) => {
    expect(currencyDigits(currency)).toBeUndefined();
    expect(minorFromDecimal('1', currency)).toBeUndefined();
  },
);

test.each([
  ['29.99', 'USD', 2999n],
  ['0.00', 'USD', 0n],
  ['0.01', 'USD', 1n],
  ['19.99', 'USD', 1999n],
  ['1234567890123.45', 'USD', 123456789012345n],
  ['1500', 'JPY', 1500n],
  ['0', 'JPY', 0n],
  ['1.234', 'KWD', 1234n],
  ['0.001', 'KWD', 1n],
])('%s %s is %s minor units, and back', (text, currency, minor) => {
  expect(minorFromDecimal(text, currency)).toBe(minor);
  expect(decimalText({ minor, currency })).toBe(text);
});

test.each([
  ['29.9', 'USD', 2990n],
  ['29', 'USD', 2900n],
  ['29.990', 'USD', 2999n],
  ['029.99', 'USD', 2999n],
  ['1500.000', 'JPY', 1500n],
  ['1.2340000', 'KWD', 1234n],
])('%s %s is read as %s minor units', (text, currency, minor) => {
  expect(minorFromDecimal(text, currency)).toBe(minor);
});

test.each([
  ['29.991', 'USD'],
  ['1500.5', 'JPY'],
  ['1.2345', 'KWD'],
])('%s has more decimals than %s allows', (text, currency) => {
  expect(minorFromDecimal(text, currency)).toBeUndefined();
});

const NOT_PLAIN = [
  '',
  ' ',
  '.',
  '.5',
  '1.',
  '+1',
  '-1',
  ' 1',
  '1 ',
  '1\n',
  '1e2',
  '1,5',
  '1_000',
  '1.2.3',
  '0x10',
  'NaN',
  'Infinity',
  '١',
];

test.each(NOT_PLAIN.map((text) => [JSON.stringify(text), text]))(
  '%s is not plain decimal',
  (_shown, text) => {
    expect(canonicalDecimal(text)).toBeUndefined();
    expect(minorFromDecimal(text, 'USD')).toBeUndefined();
  },
);

test.each([
  ['29.970', '29.97'],
  ['029.97', '29.97'],
  ['29.97', '29.97'],
  ['30.00', '30'],
  ['30', '30'],
  ['000', '0'],
  ['0.000', '0'],
  ['0.50', '0.5'],
  ['100', '100'],
  ['00100.00100', '100.001'],
])('%s is spelt %s', (text, spelling) => {
  expect(canonicalDecimal(text)).toBe(spelling);
});

test.each([
  ['29.97', 'USD', '29.97'],
  ['30', 'USD', '30.00'],
  ['0', 'USD', '0.00'],
  ['29.971', 'USD', '29.971'],
  ['29.9710', 'USD', '29.971'],
  ['1500', 'JPY', '1500'],
  ['1500.00', 'JPY', '1500'],
  ['1500.5', 'JPY', '1500.5'],
  ['1.2', 'KWD', '1.200'],
  ['5', 'XXX', '5'],
  ['5.25', 'ZZZ', '5.25'],
])('%s %s received is shown as %s', (amount, currency, shown) => {
  expect(receivedText(amount, currency)).toBe(shown);
});

const minor = fc.bigInt({ min: 0n, max: 10n ** 18n });
const currency = fc.constantFrom(...CURRENCIES);

test('decimal text that is written and read again is the same money', () => {
  fc.assert(
    fc.property(minor, currency, (units, code) => {
      const text = decimalText({ minor: units, currency: code });

      expect(minorFromDecimal(text, code)).toBe(units);
    }),
  );
});

test('texts that differ only in leading or trailing zeros are one value', () => {
  const zeros = fc.nat(5).map((count) => '0'.repeat(count));
  fc.assert(
    fc.property(minor, currency, zeros, zeros, (units, code, before, after) => {
      const text = decimalText({ minor: units, currency: code });
      const spelt = before + (text.includes('.') ? text + after : text);

      expect(canonicalDecimal(spelt)).toBe(canonicalDecimal(text));
      expect(minorFromDecimal(spelt, code)).toBe(units);
    }),
  );
});

test('different amounts never have the same text', () => {
  fc.assert(
    fc.property(minor, minor, currency, (one, other, code) => {
      fc.pre(one !== other);
      const spelling = (units: bigint) =>
        canonicalDecimal(decimalText({ minor: units, currency: code }));

      expect(spelling(one)).not.toBe(spelling(other));
    }),
  );
});
