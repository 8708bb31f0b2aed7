import { ratesOf, secondsToSellOut, sumOf, type Point } from '../../web/console/sale-figures.ts';

test.each([
  [[], '0'],
  [['0.00'], '0.00'],
  [['29.99', '0.01', '1000000000000.10'], '1000000000030.10'],
  [['49900', '100'], '50000'],
  [['0.10', '0.20'], '0.30'],
])('the exact sum of %j is %s', (amounts, sum) => {
  expect(sumOf(amounts)).toBe(sum);
});

const point = (second: number, unitsSold: number): Point => ({
  at: new Date(second * 1000).toISOString(),
  available: 0,
  held: 0,
  sold: 0,
  unitsHeld: 0,
  unitsSold,
  revenue: '0',
});

test('the time to sell-out is the unsold units at the pace of the steps', () => {
  const points = [point(0, 9), point(10, 5), point(20, 5)];

  expect(secondsToSellOut(points, 30)).toBe(60);
  expect(secondsToSellOut(points, 0)).toBeNull();
  expect(secondsToSellOut([point(0, 9), point(10, 0)], 30)).toBeNull();
  expect(secondsToSellOut([], 30)).toBeNull();
});

const reading = (second: number, processId: string, held: number, refused: number) => ({
  now: new Date(second * 1000).toISOString(),
  answers: { processId, held, refused: [{ code: 'INSUFFICIENT_STOCK', count: refused }] },
});

test('rates are the difference of two readings of one process', () => {
  expect(ratesOf(reading(0, 'a', 1, 2), reading(2, 'a', 5, 12))).toEqual({ held: 2, refused: 5 });
  expect(ratesOf(reading(0, 'a', 1, 2), reading(2, 'b', 5, 12))).toBeNull();
  expect(ratesOf(reading(0, 'a', 1, 2), reading(0, 'a', 1, 2))).toBeNull();
});
