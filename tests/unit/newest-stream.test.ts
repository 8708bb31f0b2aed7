import { NewestStream } from '../../src/live/newest-stream.ts';

function openStream() {
  let ended = 0;
  const stream = new NewestStream<string, string>(() => {
    ended += 1;
  });
  return { stream, endedTimes: () => ended };
}

/** Reads all values until the stream ends. */
async function readAll(stream: AsyncIterable<string>): Promise<string[]> {
  const received: string[] = [];
  for await (const value of stream) received.push(value);
  return received;
}

test('a slow reader receives the newest value of each key, in the order of the keys’ first values', async () => {
  const { stream } = openStream();

  stream.push('a', 'a 1');
  stream.push('b', 'b 1');
  stream.push('a', 'a 2');
  stream.push('b', 'b 2');
  stream.push('a', 'a 3');
  stream.end();

  expect(await readAll(stream)).toEqual(['a 3', 'b 2']);
});

test('a fast reader receives every value', async () => {
  const { stream } = openStream();
  const received: unknown[] = [];

  for (const value of ['a 1', 'a 2', 'a 3']) {
    const next = stream.next();
    stream.push('a', value);
    received.push(await next);
  }

  expect(received).toEqual(['a 1', 'a 2', 'a 3'].map((value) => ({ done: false, value })));
});

test('a new value of a key that was read follows the values that still wait', async () => {
  const { stream } = openStream();
  stream.push('a', 'a 1');
  stream.push('b', 'b 1');

  await stream.next();
  stream.push('a', 'a 2');
  stream.end();

  expect(await readAll(stream)).toEqual(['b 1', 'a 2']);
});

test('return ends a stream at once while its reader waits', async () => {
  const { stream, endedTimes } = openStream();
  const waiting = stream.next();

  const returned = await stream.return();

  expect(returned).toEqual({ done: true, value: undefined });
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(endedTimes()).toBe(1);
});

test('a reader that breaks off receives nothing more, not even values that were pushed before', async () => {
  const { stream, endedTimes } = openStream();
  stream.push('a', 'a 1');
  stream.push('b', 'b 1');

  for await (const value of stream) {
    expect(value).toBe('a 1');
    break;
  }
  stream.push('c', 'c 1');

  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(endedTimes()).toBe(1);
});

test('values that are pushed before the end are delivered, later ones are not', async () => {
  const { stream } = openStream();

  stream.push('a', 'a 1');
  stream.end();
  stream.push('b', 'b 1');

  expect(await readAll(stream)).toEqual(['a 1']);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('a failure is thrown once, after the values that were pushed before it, and ends the stream', async () => {
  const { stream, endedTimes } = openStream();
  stream.push('a', 'a 1');
  stream.fail(new Error('broken'));

  const first = await stream.next();

  expect(first).toEqual({ done: false, value: 'a 1' });
  await expect(stream.next()).rejects.toThrow('broken');
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(endedTimes()).toBe(1);
});

test('a waiting reader receives the end or a failure at once', async () => {
  const ending = openStream().stream;
  const failing = openStream().stream;
  const waiting = [ending.next(), failing.next()] as const;

  ending.end();
  failing.fail(new Error('broken'));

  expect(await waiting[0]).toEqual({ done: true, value: undefined });
  await expect(waiting[1]).rejects.toThrow('broken');
});

test('a stream ends once: the first of end, fail and return counts', async () => {
  const { stream, endedTimes } = openStream();

  stream.end();
  stream.fail(new Error('too late'));
  stream.end();
  await stream.return();

  expect(endedTimes()).toBe(1);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});
