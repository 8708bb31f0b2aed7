import { csvLine } from '../../src/lib/csv.ts';

test.each([
  [['a', 1, null, 'b'], 'a,1,,b'],
  [
    ['a "word"', 'one,two', 'three\nfour', 'five\r'],
    '"a ""word""","one,two","three\nfour","five\r"',
  ],
  [['', ' ', '-'], `, ,'-`],
])('the cells %j are one record', (cells, line) => {
  expect(csvLine(cells)).toBe(`${line}\r\n`);
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', "=cmd|'/c calc'!A0", '＝1', '＋1', '－1', '＠x'])(
  'the text %s is no formula for a spreadsheet',
  (text) => {
    expect(csvLine([text])).toBe(`'${text}\r\n`);
  },
);

test.each(['\t=1', '\r=1', '\n=1'])('white space before a formula does not hide it: %j', (text) => {
  expect(csvLine([text]).replaceAll('"', '')).toBe(`'${text}\r\n`);
});

test('a negative number stays a number', () => {
  expect(csvLine([-1])).toBe('-1\r\n');
});
