import { Closers } from '../../src/lib/closers.ts';

test('what was opened last is closed first, each after the one before it is through', async () => {
  const closers = new Closers();
  const log: string[] = [];
  for (const name of ['database', 'feed', 'http']) {
    closers.push(name, async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
    });
  }

  await closers.close();

  expect(log).toEqual([
    'http begins',
    'http ends',
    'feed begins',
    'feed ends',
    'database begins',
    'database ends',
  ]);
});

test('a closer that throws does not keep the others from running, and every failure is told with its name', async () => {
  const closers = new Closers();
  const closed: string[] = [];
  const cause = new Error('stuck');
  closers.push('database', () => closed.push('database'));
  closers.push('feed', () => Promise.reject(cause));
  closers.push('timer', () => closed.push('timer'));
  closers.push('http', () => {
    throw new Error('in use');
  });

  const error = await closers.close().catch((thrown: unknown) => thrown as AggregateError);

  expect(closed).toEqual(['timer', 'database']);
  expect(error).toBeInstanceOf(AggregateError);
  const { errors } = error as AggregateError;
  expect(errors.map(String)).toEqual(['Error: Closing http failed', 'Error: Closing feed failed']);
  expect((errors[1] as Error).cause).toBe(cause);
});

test('closing twice closes once, and both wait for the end', async () => {
  const closers = new Closers();
  let closed = 0;
  closers.push('database', async () => {
    await Promise.resolve();
    closed += 1;
  });

  const both = [closers.close(), closers.close()];
  await both[1];

  expect(closed).toBe(1);
  expect(both[0]).toBe(both[1]);
});

test('nothing opened is nothing to close', async () => {
  await expect(new Closers().close()).resolves.toBeUndefined();
});
