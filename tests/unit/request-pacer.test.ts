import { RequestPacer, type PacerLimits } from '../../src/server/http/request-pacer.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Enqueues `size` requests at once. Gives those started, those rejected, and how many ended in each turn. */
async function crowd(
  size: number,
  { gone = [], ...limits }: Partial<PacerLimits> & { readonly gone?: readonly number[] } = {},
) {
  const pacer = new RequestPacer({ perTurn: 16, waitMaxMs: 2000, ...limits });
  const started: number[] = [];
  const rejected: number[] = [];
  for (let number = 0; number < size; number += 1) {
    pacer.enqueue({
      isGone: () => gone.includes(number),
      start: () => started.push(number),
      reject: () => rejected.push(number),
    });
  }
  const byTurn: number[] = [];
  while (started.length + rejected.length < size - gone.length) {
    const before = started.length + rejected.length;
    await nextTurn();
    byTurn.push(started.length + rejected.length - before);
  }
  return { started, rejected, byTurn };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, position) => from + position);

test('of 40 requests at once 16, 16 and 8 begin in a turn of the event loop, in order of arrival', async () => {
  const { started, byTurn } = await crowd(40);

  expect(byTurn).toEqual([16, 16, 8]);
  expect(started).toEqual(numbers(0, 40));
});

test('a request that arrives while others wait starts after them', async () => {
  const pacer = new RequestPacer({ perTurn: 1, waitMaxMs: 2000 });
  const started: string[] = [];
  const come = (name: string) =>
    pacer.enqueue({
      isGone: () => false,
      start: () => started.push(name),
      reject: () => {},
    });

  come('Ann');
  come('Ben');
  come('Cleo');
  await nextTurn();
  come('Dora');
  while (started.length < 4) await nextTurn();

  expect(started).toEqual(['Ann', 'Ben', 'Cleo', 'Dora']);
});

test('a new turn takes as many again once the last crowd is through', async () => {
  const pacer = new RequestPacer({ perTurn: 2, waitMaxMs: 2000 });
  let started = 0;
  const come = () =>
    pacer.enqueue({ isGone: () => false, start: () => (started += 1), reject: () => {} });

  for (let crowds = 1; crowds <= 3; crowds += 1) {
    come();
    come();
    await nextTurn();
    expect(started).toBe(2 * crowds);
  }
});

test('whoever left meanwhile is passed over', async () => {
  const { started, byTurn } = await crowd(6, { perTurn: 2, gone: [2, 5] });

  expect(started).toEqual([0, 1, 3, 4]);
  expect(byTurn).toEqual([2, 1, 1]);
});

test('whoever has waited too long is turned away, once', async () => {
  const { started, rejected } = await crowd(5, { perTurn: 2, waitMaxMs: -1 });

  expect(started).toEqual([]);
  expect(rejected).toEqual([0, 1, 2, 3, 4]);
});

test('all who have waited too long are turned away in one turn, also while the loop is busy', async () => {
  const pacer = new RequestPacer({ perTurn: 1, waitMaxMs: 20 });
  let rejected = 0;
  const request = { isGone: () => false, start() {}, reject: () => void (rejected += 1) };

  for (let number = 0; number < 100; number += 1) pacer.enqueue(request);
  for (const end = performance.now() + 30; performance.now() < end;);
  await nextTurn();

  expect(rejected).toBe(100);
});

test('who comes while others enter is let in a turn later', async () => {
  const pacer = new RequestPacer({ perTurn: 2, waitMaxMs: 2000 });
  const started: string[] = [];
  const come = (name: string, start: () => void = () => {}) =>
    pacer.enqueue({
      isGone: () => false,
      start: () => {
        started.push(name);
        start();
      },
      reject: () => {},
    });

  come('Ann', () => come('Ben'));
  await nextTurn();
  expect(started).toEqual(['Ann']);
  await nextTurn();
  expect(started).toEqual(['Ann', 'Ben']);
});
