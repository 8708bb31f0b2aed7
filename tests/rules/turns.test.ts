import { Turns } from '../../src/edges/turns.ts';

/** Lets one turn of the event loop pass. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('40 requests that come together are begun 16, 16 and 8 at a time, in their order', async () => {
  const turns = new Turns();
  const begun: number[] = [];
  for (let request = 1; request <= 40; request += 1) turns.take(() => begun.push(request));

  const after: number[] = [begun.length];
  for (let count = 0; count < 3; count += 1) {
    await turn();
    after.push(begun.length);
  }

  expect(after).toEqual([0, 16, 32, 40]);
  expect(begun).toEqual(begun.toSorted((one, other) => one - other));
});

test('a request that comes while others are begun waits for the next turn, and is not forgotten', async () => {
  const turns = new Turns();
  const begun: string[] = [];
  turns.take(() => {
    begun.push('first');
    turns.take(() => begun.push('second'));
  });

  await turn();
  expect(begun).toEqual(['first']);
  await turn();
  expect(begun).toEqual(['first', 'second']);
  turns.take(() => begun.push('third'));
  await turn();
  expect(begun).toEqual(['first', 'second', 'third']);
});
