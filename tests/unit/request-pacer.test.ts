import { RequestPacer, type PacerLimits } from '../../src/server/http/request-pacer.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Enqueues `size` requests at once. Returns those started, those rejected, and the number of both by turn. */
async function enqueueAll(
  size: number,
  { gone = [], ...limits }: Partial<PacerLimits> & { readonly gone?: readonly number[] } = {},
) {
  const pacer = new RequestPacer({ perTurn: 16, waitMaxMs: 2000, ...limits });
  const started: number[] = [];
  const rejected: number[] = [];
  for (let number = 0; number < size; number += 1) {
    pacer.enqueue({
      isClosed: () => gone.includes(number),
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

test('of 40 requests at once, 16, 16 and 8 start in successive turns of the event loop, in order of arrival', async () => {
  const { started, byTurn } = await enqueueAll(40);

  expect(byTurn).toEqual([16, 16, 8]);
  expect(started).toEqual(numbers(0, 40));
});

test('a request that arrives while others wait starts after them', async () => {
  const pacer = new RequestPacer({ perTurn: 1, waitMaxMs: 2000 });
  const started: string[] = [];
  const arrive = (name: string) =>
    pacer.enqueue({
      isClosed: () => false,
      start: () => started.push(name),
      reject: () => {},
    });

  arrive('Ann');
  arrive('Ben');
  arrive('Cleo');
  await nextTurn();
  arrive('Dora');
  while (started.length < 4) await nextTurn();

  expect(started).toEqual(['Ann', 'Ben', 'Cleo', 'Dora']);
});

test('each turn starts as many requests again after the earlier ones have started', async () => {
  const pacer = new RequestPacer({ perTurn: 2, waitMaxMs: 2000 });
  let started = 0;
  const arrive = () =>
    pacer.enqueue({ isClosed: () => false, start: () => (started += 1), reject: () => {} });

  for (let round = 1; round <= 3; round += 1) {
    arrive();
    arrive();
    await nextTurn();
    expect(started).toBe(2 * round);
  }
});

test('a request whose client has disconnected is skipped', async () => {
  const { started, byTurn } = await enqueueAll(6, { perTurn: 2, gone: [2, 5] });

  expect(started).toEqual([0, 1, 3, 4]);
  expect(byTurn).toEqual([2, 1, 1]);
});

test('a request that waits too long is rejected once', async () => {
  const { started, rejected } = await enqueueAll(5, { perTurn: 2, waitMaxMs: -1 });

  expect(started).toEqual([]);
  expect(rejected).toEqual([0, 1, 2, 3, 4]);
});

test('all requests that wait too long are rejected in one turn, also when the event loop was blocked', async () => {
  const pacer = new RequestPacer({ perTurn: 1, waitMaxMs: 20 });
  let rejected = 0;
  const request = { isClosed: () => false, start() {}, reject: () => void (rejected += 1) };

  for (let number = 0; number < 100; number += 1) pacer.enqueue(request);
  for (const end = performance.now() + 30; performance.now() < end;);
  await nextTurn();

  expect(rejected).toBe(100);
});

test('a request that arrives while others start is started one turn later', async () => {
  const pacer = new RequestPacer({ perTurn: 2, waitMaxMs: 2000 });
  const started: string[] = [];
  const arrive = (name: string, start: () => void = () => {}) =>
    pacer.enqueue({
      isClosed: () => false,
      start: () => {
        started.push(name);
        start();
      },
      reject: () => {},
    });

  arrive('Ann', () => arrive('Ben'));
  await nextTurn();
  expect(started).toEqual(['Ann']);
  await nextTurn();
  expect(started).toEqual(['Ann', 'Ben']);
});
