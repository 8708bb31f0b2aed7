import {
  msToStatusChange,
  parseProductId,
  saleStatus,
  wrongWithCurrency,
  wrongWithName,
} from '../../src/shop/catalog/product.rules.ts';

const starts = new Date('2026-11-27T10:00:00.000Z');
const ends = new Date('2026-11-27T12:00:00.000Z');
const beside = (instant: Date, ms: number) => new Date(instant.getTime() + ms);

test.each([
  ['upcoming 1 ms before its start', beside(starts, -1), 'UPCOMING'],
  ['live at its start', starts, 'LIVE'],
  ['live 1 ms before its end', beside(ends, -1), 'LIVE'],
  ['ended at its end', ends, 'ENDED'],
  ['ended after its end', beside(ends, 1), 'ENDED'],
])('a sale is %s', (_title, now, status) => {
  expect(saleStatus({ saleStartsAt: starts, saleEndsAt: ends, salePaused: false }, now)).toBe(
    status,
  );
});

test('a sale without a start is live until its end; one without an end is live from its start', () => {
  const open = { saleStartsAt: null, saleEndsAt: null, salePaused: false };

  expect(saleStatus(open, starts)).toBe('LIVE');
  expect(saleStatus({ ...open, saleEndsAt: ends }, new Date(0))).toBe('LIVE');
  expect(saleStatus({ ...open, saleStartsAt: starts }, new Date(8.64e15))).toBe('LIVE');
});

test('a paused sale is paused until its end, also before its start', () => {
  const paused = { saleStartsAt: starts, saleEndsAt: ends, salePaused: true };

  expect(saleStatus(paused, beside(starts, -1))).toBe('PAUSED');
  expect(saleStatus(paused, beside(ends, -1))).toBe('PAUSED');
  expect(saleStatus(paused, ends)).toBe('ENDED');
});

test.each([
  ['to its start before it', beside(starts, -1), 1],
  ['to its end at its start', starts, 7_200_000],
  ['to its end 1 ms before it', beside(ends, -1), 1],
  ['nowhere at its end', ends, undefined],
])('the next change of a sale is %s', (_title, now, ms) => {
  expect(msToStatusChange({ saleStartsAt: starts, saleEndsAt: ends }, now)).toBe(ms);
});

test('a sale without a window has no next change', () => {
  expect(msToStatusChange({ saleStartsAt: null, saleEndsAt: null }, starts)).toBeUndefined();
});

test.each([
  ['1', 1],
  ['42', 42],
  ['2147483647', 2_147_483_647],
])('"%s" is the id of a product', (text, id) => {
  expect(parseProductId(text)).toBe(id);
});

test.each([
  '',
  '0',
  '-1',
  '+1',
  '01',
  ' 1',
  '1 ',
  '1\n',
  '1.0',
  '1e3',
  '0x1',
  'abc',
  '2147483648',
  '9999999999',
  '12345678901',
  '１',
])('"%s" is the id of no product', (text) => {
  expect(parseProductId(text)).toBeUndefined();
});

test.each([
  ['', 'nothing'],
  ['   ', 'spaces'],
  ['\t\r\n', 'control characters'],
  ['\u00a0\u2003\u3000', 'wide spaces'],
  ['\u200b\u200d\ufeff', 'zero-width characters'],
  ['\u00ad\u2060\u180e', 'format characters'],
  ['\u202e\u2066', 'bidirectional marks'],
  ['\u2800', 'an empty Braille pattern'],
  ['\u3164\u115f\u1160\uffa0', 'Hangul fillers'],
  ['\u034f\ufe0f\u{e0100}', 'joiners and variation selectors'],
  ['\u{e0041}', 'tag characters'],
  ['\u0301', 'a mark without a letter'],
  ['\u{1d159}', 'an empty note head'],
  ['\ue000', 'a private-use character'],
  ['\u2028\u2029', 'line separators'],
])('%j is no name: %s', (name) => {
  expect(wrongWithName(name)).toBe('name must have at least one visible character.');
});

test.each(['x', ' x ', '.', '0', '寿司', '👟', 'हि', '\u200bx', '👩‍🚀', 'e\u0301', '⠁'])(
  '%j is a name',
  (name) => {
    expect(wrongWithName(name)).toBeUndefined();
  },
);

test('a currency is three ASCII letters in any case', () => {
  expect(['USD', 'usd', 'Xcg'].map(wrongWithCurrency)).toEqual([undefined, undefined, undefined]);
  expect(['ſsd', 'US', 'USDT', 'usd ', 'XXX', 'ANG'].map(wrongWithCurrency)).not.toContain(
    undefined,
  );
});
