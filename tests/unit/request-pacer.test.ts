import { RequestPacer, type EntranceLimits } from '../../src/server/http/request-pacer.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Has so many come at once; who entered, was turned away or left, and how many turns that took. */
async function crowd(
  size: number,
  { gone = [], ...limits }: Partial<EntranceLimits> & { readonly gone?: readonly number[] } = {},
) {
  const entrance = new RequestPacer({ perTurn: 16, waitMaxMs: 2000, ...limits });
  const entered: number[] = [];
  const rejected: number[] = [];
  for (let number = 0; number < size; number += 1) {
    entrance.come({
      isGone: () => gone.includes(number),
      enter: () => entered.push(number),
      turnAway: () => rejected.push(number),
    });
  }
  const byTurn: number[] = [];
  while (entered.length + rejected.length < size - gone.length) {
    const before = entered.length + rejected.length;
    await nextTurn();
    byTurn.push(entered.length + rejected.length - before);
  }
  return { entered, rejected, byTurn };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, position) => from + position);

test('of 40 requests at once 16, 16 and 8 begin in a turn of the event loop, in order of arrival', async () => {
  const { entered, byTurn } = await crowd(40);

  expect(byTurn).toEqual([16, 16, 8]);
  expect(entered).toEqual(numbers(0, 40));
});

test('whoever comes while others wait goes behind them', async () => {
  const entrance = new RequestPacer({ perTurn: 1, waitMaxMs: 2000 });
  const entered: string[] = [];
  const come = (name: string) =>
    entrance.come({
      isGone: () => false,
      enter: () => entered.push(name),
      turnAway: () => {},
    });

  come('Ann');
  come('Ben');
  come('Cleo');
  await nextTurn();
  come('Dora');
  while (entered.length < 4) await nextTurn();

  expect(entered).toEqual(['Ann', 'Ben', 'Cleo', 'Dora']);
});

test('a new turn takes as many again once the last crowd is through', async () => {
  const entrance = new RequestPacer({ perTurn: 2, waitMaxMs: 2000 });
  let entered = 0;
  const come = () =>
    entrance.come({ isGone: () => false, enter: () => (entered += 1), turnAway: () => {} });

  for (let crowds = 1; crowds <= 3; crowds += 1) {
    come();
    come();
    await nextTurn();
    expect(entered).toBe(2 * crowds);
  }
});

test('whoever left meanwhile is passed over', async () => {
  const { entered, byTurn } = await crowd(6, { perTurn: 2, gone: [2, 5] });

  expect(entered).toEqual([0, 1, 3, 4]);
  expect(byTurn).toEqual([2, 1, 1]);
});

test('whoever has waited too long is turned away, once', async () => {
  const { entered, rejected } = await crowd(5, { perTurn: 2, waitMaxMs: -1 });

  expect(entered).toEqual([]);
  expect(rejected).toEqual([0, 1, 2, 3, 4]);
});

test('all who have waited too long are turned away in one turn, also while the loop is busy', async () => {
  const entrance = new RequestPacer({ perTurn: 1, waitMaxMs: 20 });
  let rejected = 0;
  const guest = { isGone: () => false, enter() {}, turnAway: () => void (rejected += 1) };

  for (let number = 0; number < 100; number += 1) entrance.come(guest);
  for (const end = performance.now() + 30; performance.now() < end;);
  await nextTurn();

  expect(rejected).toBe(100);
});

test('who comes while others enter is let in a turn later', async () => {
  const entrance = new RequestPacer({ perTurn: 2, waitMaxMs: 2000 });
  const entered: string[] = [];
  const come = (name: string, enter: () => void = () => {}) =>
    entrance.come({
      isGone: () => false,
      enter: () => {
        entered.push(name);
        enter();
      },
      turnAway: () => {},
    });

  come('Ann', () => come('Ben'));
  await nextTurn();
  expect(entered).toEqual(['Ann']);
  await nextTurn();
  expect(entered).toEqual(['Ann', 'Ben']);
});
