import {
  WorkBudget,
  type BudgetLimits,
  type Utilization,
  type Work,
} from '../../src/server/graphql/http/work-budget.ts';
import { BUDGET } from '../../src/server/graphql/http/documents.ts';
import { until } from '../support/shop.ts';

/** A share with which no work waits for the time of earlier work. */
const UNLIMITED = 1e9;

/** The results of pieces of work, in order. */
interface Outcomes {
  readonly ran: string[];
  readonly refused: string[];
  readonly add: (name: string, work?: Partial<Work>, caller?: string) => Work;
}

function budgetOf(
  limits: Partial<BudgetLimits> = {},
  utilization: Utilization = () => 0,
): Outcomes & { readonly budget: WorkBudget } {
  const allLimits = {
    share: UNLIMITED,
    busyShare: limits.share ?? UNLIMITED,
    burstMs: 0,
    waitMaxMs: 10_000,
    waitingMax: 1000,
    weightMax: 1000,
    ...limits,
  };
  const budget = new WorkBudget(allLimits, utilization);
  const ran: string[] = [];
  const refused: string[] = [];
  const add = (name: string, parts: Partial<Work> = {}, caller = 'one caller'): Work => {
    const work: Work = {
      weight: 1,
      isClosed: () => false,
      run: () => void ran.push(name),
      refuse: () => void refused.push(name),
      ...parts,
    };
    budget.add(work, caller);
    return work;
  };
  return { budget, ran, refused, add };
}

/** The time that a document takes. */
const PIECE_MS = 5;

/** The time of the heaviest document within the limits: compiling 60 fields. */
const LONGEST_PIECE_MS = 20;

/** Blocks the event loop for this time. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('one piece of work runs in each turn of the event loop, none synchronously', async () => {
  const { ran, add } = budgetOf();

  for (const name of ['a', 'b', 'c']) add(name);
  const byTurn = [ran.length];
  while (ran.length < 3) {
    await nextTurn();
    byTurn.push(ran.length);
  }

  expect(byTurn).toEqual([0, 1, 2, 3]);
});

test.each([
  ['a fifth', 0.2, true],
  ['any part, the guard off', UNLIMITED, false],
])('work takes %s of the event loop', async (_share, share, isBounded) => {
  const { ran, add } = budgetOf({ share });
  const starts: number[] = [];
  const tookMs = 5;

  for (let n = 0; n < 10; n += 1) {
    add(String(n), {
      run() {
        starts.push(performance.now());
        block(tookMs);
        ran.push(String(n));
      },
    });
  }
  await until('all work', () => ran.length === 10);

  const gaps = starts.slice(1).map((start, n) => start - starts[n]!);
  expect(gaps.every((gap) => gap >= tookMs / 0.2 - 1)).toBe(isBounded);
});

test('after a rest, work that takes less than the burst runs without a pause', async () => {
  const { ran, add } = budgetOf({ share: 0.001, burstMs: 10_000 });

  add('a', { run: () => (block(2), void ran.push('a')) });
  add('b');
  add('c');
  // A pause would be two seconds, because a thousandth of the time is 2 ms.
  await until('all work', () => ran.length === 3, 1500);

  expect(ran).toEqual(['a', 'b', 'c']);
});

test('the lightest work runs first, of equal work the oldest', async () => {
  const { ran, add } = budgetOf();

  add('heavy', { weight: 9 });
  add('light', { weight: 1 });
  add('other', { weight: 9 });
  add('lighter', { weight: 0 });
  await until('all work', () => ran.length === 4);

  expect(ran).toEqual(['lighter', 'light', 'heavy', 'other']);
});

test('background work runs when nothing else waits', async () => {
  const { ran, add, budget } = budgetOf();

  budget.addBackground(() => void ran.push('background'));
  add('first', { run: () => (ran.push('first'), void add('second')) });
  await until('all work', () => ran.length === 3);

  expect(ran).toEqual(['first', 'second', 'background']);
});

test('at most 100 pieces of background work wait', () => {
  const { budget } = budgetOf();

  const taken = Array.from({ length: 101 }, () => budget.addBackground(() => {}));

  expect(taken).toEqual([...Array.from({ length: 100 }, () => true), false]);
});

test('callers take turns, independent of the weight and amount of their work', async () => {
  const { ran, add } = budgetOf();

  for (let n = 0; n < 4; n += 1) add(`flood ${n}`, { weight: 0 }, 'flood');
  add('heavy', { weight: 9 }, 'app');
  add('light', { weight: 5 }, 'app');
  await until('all work', () => ran.length === 6);

  expect(ran).toEqual(['flood 0', 'light', 'flood 1', 'heavy', 'flood 2', 'flood 3']);
});

test('a caller that repeats its requests delays the others by at most one turn', async () => {
  const { ran, add } = budgetOf();
  const again = (n: number): void =>
    void add(`again ${n}`, { run: () => (ran.push(`again ${n}`), n < 9 && again(n + 1)) }, 'again');

  again(0);
  add('other 0', {}, 'other');
  add('other 1', {}, 'other');
  await until('all work', () => ran.length === 12);

  expect(ran.slice(0, 4)).toEqual(['again 0', 'other 0', 'again 1', 'other 1']);
});

test('work of several callers runs once, in the turn of the first of them', async () => {
  const { budget, ran, add } = budgetOf();

  for (let n = 0; n < 3; n += 1) add(`flood ${n}`, { weight: 0 }, 'flood');
  const shared = add('shared', { weight: 9 }, 'flood');
  budget.add(shared, 'app');
  await until('all work', () => ran.length === 4);

  expect(ran).toEqual(['flood 0', 'shared', 'flood 1', 'flood 2']);
});

test('a full queue refuses work of the caller with most entries, unless other callers share it', () => {
  const { budget, refused, add } = budgetOf({ waitingMax: 4 });

  add('app', { weight: 9 }, 'app');
  const shared = add('shared', { weight: 9 }, 'flood');
  budget.add(shared, 'other app');
  for (let n = 0; n < 4; n += 1) add(`flood ${n}`, { weight: n }, 'flood');

  expect(refused).toEqual(['flood 2', 'flood 3']);
});

test('too much weight refuses the heaviest work of the caller with most weight', () => {
  const { refused, add } = budgetOf({ weightMax: 100 });

  for (let n = 0; n < 5; n += 1) add(`app ${n}`, { weight: 5 }, 'app');
  add('flood 0', { weight: 40 }, 'flood');
  add('flood 1', { weight: 41 }, 'flood');

  expect(refused).toEqual(['flood 1']);
});

test('background work uses the same budget', async () => {
  const { refused, add, budget } = budgetOf({ share: 0.0001, waitMaxMs: 20 });

  budget.addBackground(() => block(5));
  await nextTurn();
  add('waiting');
  await until('the refusal', () => refused.length > 0);

  expect(refused).toEqual(['waiting']);
});

test('work that has waited too long is refused even on an idle event loop', async () => {
  const { ran, refused, add } = budgetOf({ share: 0.0001, waitMaxMs: 20 });

  add('a', { run: () => (block(5), void ran.push('a')) });
  add('b');
  add('c');
  await until('the refusals', () => refused.length === 2);

  expect(ran).toEqual(['a']);
  expect(refused).toEqual(['b', 'c']);
});

test('time while the event loop is busy counts as waiting: late work does not run', async () => {
  const { ran, refused, add } = budgetOf({ waitMaxMs: 20 });

  add('a');
  add('b');
  block(30);
  await until('the refusals', () => refused.length + ran.length === 2);

  expect(refused).toEqual(['a', 'b']);
});

test('a full queue of one caller refuses the heaviest work at once', () => {
  const { refused, add } = budgetOf({ waitingMax: 2 });

  add('a', { weight: 5 });
  add('b', { weight: 9 });
  add('c', { weight: 7 });

  expect(refused).toEqual(['b']);
});

test('too much weight of one caller refuses its heaviest work at once, even the newest', () => {
  const { refused, add } = budgetOf({ weightMax: 100 });

  add('a', { weight: 50 });
  add('b', { weight: 40 });
  add('c', { weight: 60 });
  add('d', { weight: 10 });

  expect(refused).toEqual(['c']);
});

test('work whose result is no longer needed does not run', async () => {
  const { ran, refused, add } = budgetOf();
  let isClosed = false;

  add('gone', { isClosed: () => isClosed });
  add('there');
  isClosed = true;
  await until('the rest', () => ran.length === 1);

  expect(ran).toEqual(['there']);
  expect(refused).toEqual(['gone']);
});

test('the queue is empty after a flood and accepts new work', async () => {
  const { budget, ran, refused, add } = budgetOf({ waitingMax: 10 });

  for (let n = 0; n < 100; n += 1) add(`flood ${n}`, { weight: 100 });
  await until('the end of the flood', () => budget.length === 0);
  add('new');
  await until('new work', () => ran.includes('new'));

  expect(refused).toHaveLength(90);
});

test('the budget of a server uses at most a fifth of any two seconds, including its burst', async () => {
  const { ran, add } = budgetOf({ ...BUDGET, waitMaxMs: 60_000 });
  const pieces: { readonly at: number; readonly took: number }[] = [];
  const takenIn = (from: number, to: number): number =>
    pieces.reduce((sum, { at, took }) => (at >= from && at < to ? sum + took : sum), 0);
  const taken: number[] = [];
  const piece = (): void => {
    const at = performance.now();
    taken.push(takenIn(at - 2000, at));
    block(PIECE_MS);
    pieces.push({ at, took: performance.now() - at });
    ran.push('piece');
    if (at - pieces[0]!.at < 2000) add('piece', { run: piece });
  };

  add('piece', { run: piece });
  await until(
    'two seconds of work',
    () => pieces.length > 0 && performance.now() - pieces[0]!.at > 2000,
  );

  expect(Math.max(...taken) + LONGEST_PIECE_MS).toBeLessThanOrEqual(2000 / 5);
});

test.each([
  ['an idle event loop', 0, 0.2],
  ['an event loop with a third of idle time', 2 / 3, 0.2],
  ['an event loop with a sixth of idle time', 5 / 6, 0.15],
  ['a busy event loop', 1, 0.1],
])('beside %s the share follows the idle time', async (_loop, utilization, share) => {
  const { ran, add } = budgetOf({ share: 0.2, busyShare: 0.1 }, () => utilization);
  const starts: number[] = [];

  for (let n = 0; n < 5; n += 1)
    add(String(n), {
      run() {
        starts.push(performance.now());
        block(PIECE_MS);
        ran.push(String(n));
      },
    });
  await until('all pieces', () => ran.length === 5);

  // Two starts are at least the earning time apart; a busy machine only adds to it.
  const gaps = starts.slice(1).map((start, n) => start - starts[n]!);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(PIECE_MS / share - 0.5);
});
