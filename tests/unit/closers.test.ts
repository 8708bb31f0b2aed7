import { Closers } from '../../src/lib/closers.ts';

test('closers run in reverse order of opening, one after another', async () => {
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

test('a closer that throws does not stop the others, and the error lists each failure with its name', async () => {
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

test('a second close runs nothing again and waits for the first', async () => {
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

test('a close without closers resolves', async () => {
  await expect(new Closers().close()).resolves.toBeUndefined();
});
