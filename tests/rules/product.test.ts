import { parseProductId, saleStatus } from '../../src/catalog/product.rules.ts';

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
  expect(saleStatus({ saleStartsAt: starts, saleEndsAt: ends }, now)).toBe(status);
});

test('a sale without a start is live until its end, and one without an end from its start on', () => {
  const open = { saleStartsAt: null, saleEndsAt: null };

  expect(saleStatus(open, starts)).toBe('LIVE');
  expect(saleStatus({ ...open, saleEndsAt: ends }, new Date(0))).toBe('LIVE');
  expect(saleStatus({ ...open, saleStartsAt: starts }, new Date(8.64e15))).toBe('LIVE');
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
