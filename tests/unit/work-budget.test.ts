import {
  WorkBudget,
  type BudgetLimits,
  type Work,
} from '../../src/server/graphql/http/work-budget.ts';
import { until } from '../support/shop.ts';

/** What became of pieces of work, in order. */
interface Outcomes {
  readonly ran: string[];
  readonly refused: string[];
  readonly add: (name: string, work?: Partial<Work>) => void;
}

function budgetOf(limits: Partial<BudgetLimits> = {}): Outcomes & { readonly budget: WorkBudget } {
  const budget = new WorkBudget({
    share: Infinity,
    burstMs: 0,
    waitMaxMs: 10_000,
    waitingMax: 1000,
    weightMax: 1000,
    ...limits,
  });
  const ran: string[] = [];
  const refused: string[] = [];
  const add = (name: string, work: Partial<Work> = {}): void =>
    budget.add({
      weight: 1,
      isGone: () => false,
      run: () => void ran.push(name),
      refuse: () => void refused.push(name),
      ...work,
    });
  return { budget, ran, refused, add };
}

/** Takes the event loop for so long. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('one piece of work runs in a turn of the event loop, none at once', async () => {
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
  ['any part, the guard off', Infinity, false],
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
  await nextTurn();
  await nextTurn();
  await nextTurn();

  expect(ran).toEqual(['a', 'b', 'c']);
});

test('the lightest runs first, and of equal ones the oldest', async () => {
  const { ran, add } = budgetOf();

  add('heavy', { weight: 9 });
  add('light', { weight: 1 });
  add('other', { weight: 9 });
  add('lighter', { weight: 0 });
  await until('all work', () => ran.length === 4);

  expect(ran).toEqual(['lighter', 'light', 'heavy', 'other']);
});

test('background work runs before what waits', async () => {
  const { ran, add, budget } = budgetOf();

  add('waiting');
  budget.addBackground(() => void ran.push('background'));
  await until('all work', () => ran.length === 2);

  expect(ran).toEqual(['background', 'waiting']);
});

test('background work takes its time from the same budget', async () => {
  const { refused, add, budget } = budgetOf({ share: 0.0001, waitMaxMs: 20 });

  budget.addBackground(() => block(5));
  await nextTurn();
  add('waiting');
  await until('the refusal', () => refused.length > 0);

  expect(refused).toEqual(['waiting']);
});

test('work that has waited too long is refused, though nothing else happens', async () => {
  const { ran, refused, add } = budgetOf({ share: 0.0001, waitMaxMs: 20 });

  add('a', { run: () => (block(5), void ran.push('a')) });
  add('b');
  add('c');
  await until('the refusals', () => refused.length === 2);

  expect(ran).toEqual(['a']);
  expect(refused).toEqual(['b', 'c']);
});

test('the wait counts while the event loop is busy: what is late by then does not run', async () => {
  const { ran, refused, add } = budgetOf({ waitMaxMs: 20 });

  add('a');
  add('b');
  block(30);
  await until('the refusals', () => refused.length + ran.length === 2);

  expect(refused).toEqual(['a', 'b']);
});

test('of too many, the heaviest is refused at once', () => {
  const { refused, add } = budgetOf({ waitingMax: 2 });

  add('a', { weight: 5 });
  add('b', { weight: 9 });
  add('c', { weight: 7 });

  expect(refused).toEqual(['b']);
});

test('of too much, the heaviest is refused at once, also where it is the newest', () => {
  const { refused, add } = budgetOf({ weightMax: 100 });

  add('a', { weight: 50 });
  add('b', { weight: 40 });
  add('c', { weight: 60 });
  add('d', { weight: 10 });

  expect(refused).toEqual(['c']);
});

test('work whose result is of no use any more does not run', async () => {
  const { ran, refused, add } = budgetOf();
  let isGone = false;

  add('gone', { isGone: () => isGone });
  add('there');
  isGone = true;
  await until('the rest', () => ran.length === 1);

  expect(ran).toEqual(['there']);
  expect(refused).toEqual(['gone']);
});

test('the budget is empty again after a flood, and takes new work', async () => {
  const { budget, ran, refused, add } = budgetOf({ waitingMax: 10 });

  for (let n = 0; n < 100; n += 1) add(`flood ${n}`, { weight: 100 });
  await until('the end of the flood', () => budget.length === 0);
  add('new');
  await until('new work', () => ran.includes('new'));

  expect(refused).toHaveLength(90);
});
