import { stockStatus } from '../../src/shop/stock/stock.rules.ts';
import { unitMove, type Bucket } from '../../src/shop/stock/unit-move.ts';

test.each([
  [1, 0, 'AVAILABLE'],
  [1, 5, 'AVAILABLE'],
  [0, 1, 'ALL_HELD'],
  [0, 0, 'SOLD_OUT'],
])('%i available and %i held is %s', (available, held, status) => {
  expect(stockStatus({ available, held })).toBe(status);
});

const statement = (
  buckets: Readonly<Partial<Record<Bucket, 1 | -1>>>,
  more: Partial<Parameters<typeof unitMove>[0]> = {},
) =>
  unitMove({ changed: 'update x returning quantity', buckets, cause: 'SALE', ...more }).replace(
    /\s+/g,
    ' ',
  );

test('a move takes units from one counter, adds them to another and changes no other', () => {
  const text = statement({ held: -1, sold: 1 });

  expect(text).toContain(
    'available = s.available + 0, held = s.held + -u.units, sold = s.sold + u.units, total = s.total + 0, version = case s.version when $2 - 1 then $2 end',
  );
});

test('the recorded movement equals the move', () => {
  const deltas = (buckets: Parameters<typeof statement>[0]) =>
    /(\S+) as available_delta, (\S+) as held_delta, (\S+) as sold_delta, (\S+) as total_delta/
      .exec(statement(buckets))
      ?.slice(1);

  expect(deltas({ held: -1, sold: 1 })).toEqual(['0', '-u.units', 'u.units', '0']);
  expect(deltas({ available: 1, total: 1 })).toEqual(['u.units', '0', '0', 'u.units']);
  expect(deltas({ available: -1, held: 1 })).toEqual(['-u.units', 'u.units', '0', '0']);
});

test('a move that changes no row writes no movement', () => {
  expect(statement({ held: -1, sold: 1 })).toContain('where s.product_id = $1 and u.rows > 0');
});

test('a statement’s text is constant, so that it is prepared once', () => {
  const build = () =>
    statement({ held: -1, available: 1 }, { cause: 'EXPIRY', before: 'due as (),' });

  expect(build()).toBe(build());
  expect(build()).toMatch(/^ with due as \(\), changed as \(update x returning quantity\),/);
  expect(build()).toContain("'EXPIRY', null, read_at, null, null from moved");
});

test('a note is stored in the columns of the movement', () => {
  const note = { reason: '$4', keyHash: '$5', argumentsHash: '$6' };

  expect(statement({ available: 1, total: 1 }, { note })).toContain(
    "'SALE', $4, read_at, $5, $6 from moved",
  );
});
