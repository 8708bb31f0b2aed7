import { NewestStream } from '../../src/live/newest-stream.ts';

function openStream() {
  let ended = 0;
  const stream = new NewestStream<string, string>(() => {
    ended += 1;
  });
  return { stream, endedTimes: () => ended };
}

/** Everything until the stream is over. */
async function readAll(stream: AsyncIterable<string>): Promise<string[]> {
  const heard: string[] = [];
  for await (const value of stream) heard.push(value);
  return heard;
}

test('a slow reader gets the newest value of each key, in the order in which the keys came', async () => {
  const { stream } = openStream();

  stream.push('a', 'a 1');
  stream.push('b', 'b 1');
  stream.push('a', 'a 2');
  stream.push('b', 'b 2');
  stream.push('a', 'a 3');
  stream.end();

  expect(await readAll(stream)).toEqual(['a 3', 'b 2']);
});

test('a reader who keeps up gets every value', async () => {
  const { stream } = openStream();
  const heard: unknown[] = [];

  for (const value of ['a 1', 'a 2', 'a 3']) {
    const next = stream.next();
    stream.push('a', value);
    heard.push(await next);
  }

  expect(heard).toEqual(['a 1', 'a 2', 'a 3'].map((value) => ({ done: false, value })));
});

test('a key that was read comes after those that still wait', async () => {
  const { stream } = openStream();
  stream.push('a', 'a 1');
  stream.push('b', 'b 1');

  await stream.next();
  stream.push('a', 'a 2');
  stream.end();

  expect(await readAll(stream)).toEqual(['b 1', 'a 2']);
});

test('return ends a stream whose reader waits, at once', async () => {
  const { stream, endedTimes } = openStream();
  const waiting = stream.next();

  const returned = await stream.return();

  expect(returned).toEqual({ done: true, value: undefined });
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(endedTimes()).toBe(1);
});

test('a reader who breaks off hears nothing more, not what was pushed before', async () => {
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

test('what was pushed before the end is delivered, what comes after it is not', async () => {
  const { stream } = openStream();

  stream.push('a', 'a 1');
  stream.end();
  stream.push('b', 'b 1');

  expect(await readAll(stream)).toEqual(['a 1']);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('a failure is told after what was pushed before it, once, and then the stream is over', async () => {
  const { stream, endedTimes } = openStream();
  stream.push('a', 'a 1');
  stream.fail(new Error('broken'));

  const first = await stream.next();

  expect(first).toEqual({ done: false, value: 'a 1' });
  await expect(stream.next()).rejects.toThrow('broken');
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(endedTimes()).toBe(1);
});

test('a reader who waits is told of the end and of a failure at once', async () => {
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
