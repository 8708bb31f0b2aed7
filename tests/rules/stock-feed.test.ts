import { StockFeed } from '../../src/stock/stock-feed.ts';
import type { StockCount } from '../../src/stock/stock.rules.ts';

const { jest } = import.meta;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick'] });
});

afterEach(() => {
  jest.useRealTimers();
});

const count = (version: number, productId = 1): StockCount => ({
  productId,
  version,
  total: 1000,
  available: 1000 - version,
  held: version,
  sold: 0,
  readAt: new Date(version),
});

/** Listens to a product and writes down when which version was told. */
function listen(feed: StockFeed, productId = 1) {
  const heard: { readonly version: number; readonly atMs: number }[] = [];
  const beganAt = Date.now();
  const leave = feed.subscribe(productId, ({ version }) =>
    heard.push({ version, atMs: Date.now() - beganAt }),
  );
  return { heard, leave, versions: () => heard.map(({ version }) => version) };
}

test('the first change is told at once', () => {
  const feed = new StockFeed();
  const { heard } = listen(feed);

  feed.publish(count(1));

  expect(heard).toEqual([{ version: 1, atMs: 0 }]);
});

test('of many changes within 50 ms the newest is told at their end, and it alone', () => {
  const feed = new StockFeed();
  const { heard } = listen(feed);

  for (const version of [1, 2, 3, 4]) feed.publish(count(version));
  jest.advanceTimersByTime(49);
  const before = heard.length;
  jest.advanceTimersByTime(1000);

  expect(before).toBe(1);
  expect(heard).toEqual([
    { version: 1, atMs: 0 },
    { version: 4, atMs: 50 },
  ]);
});

test('500 changes in a second are told at most every 50 ms, the last of them too', () => {
  const feed = new StockFeed();
  const { heard } = listen(feed);

  for (let version = 1; version <= 500; version += 1) {
    feed.publish(count(version));
    jest.advanceTimersByTime(2);
  }
  jest.advanceTimersByTime(50);

  const gaps = heard.slice(1).map(({ atMs }, position) => atMs - heard[position]!.atMs);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
  expect(heard.length).toBeLessThanOrEqual(21);
  expect(heard.at(-1)!.version).toBe(500);
});

test('a change after a quiet time is told at once again', () => {
  const feed = new StockFeed();
  const { heard } = listen(feed);

  feed.publish(count(1));
  jest.advanceTimersByTime(50);
  feed.publish(count(2));

  expect(heard).toEqual([
    { version: 1, atMs: 0 },
    { version: 2, atMs: 50 },
  ]);
});

test('a version never falls and is never told twice, whichever server it came from', () => {
  const feed = new StockFeed();
  const { versions } = listen(feed);

  for (const version of [5, 3, 5, 7, 6, 7]) feed.publish(count(version));
  jest.advanceTimersByTime(50);
  for (const version of [6, 7, 1]) feed.publish(count(version));
  jest.advanceTimersByTime(1000);

  expect(versions()).toEqual([5, 7]);
});

test('each product has its own pace', () => {
  const feed = new StockFeed();
  const one = listen(feed, 1);
  const two = listen(feed, 2);

  feed.publish(count(1, 1));
  feed.publish(count(2, 1));
  feed.publish(count(9, 2));

  expect([one.versions(), two.versions()]).toEqual([[1], [9]]);
});

test('every listener of a product is told the same', () => {
  const feed = new StockFeed();
  const listeners = [listen(feed), listen(feed)];

  for (const version of [1, 2, 3]) feed.publish(count(version));
  jest.advanceTimersByTime(50);

  expect(listeners.map(({ versions }) => versions())).toEqual([
    [1, 3],
    [1, 3],
  ]);
});

test('a product nobody watches costs nothing: no timer, no memory of its versions', () => {
  const feed = new StockFeed();

  feed.publish(count(9));
  const timers = jest.getTimerCount();
  const { versions } = listen(feed);
  feed.publish(count(3));

  expect(timers).toBe(0);
  expect(versions()).toEqual([3]);
});

test('who has left is told nothing more, and the last to leave stops the timer', () => {
  const feed = new StockFeed();
  const anna = listen(feed);
  const ben = listen(feed);
  feed.publish(count(1));
  feed.publish(count(2));

  anna.leave();
  const timersWithBen = jest.getTimerCount();
  jest.advanceTimersByTime(50);
  feed.publish(count(3));
  ben.leave();
  const timersWithNobody = jest.getTimerCount();
  jest.advanceTimersByTime(1000);

  expect(anna.versions()).toEqual([1]);
  expect(ben.versions()).toEqual([1, 2]);
  expect([timersWithBen, timersWithNobody]).toEqual([1, 0]);
  expect(feed.watched()).toEqual([]);
});

test('who comes after all had left is told the next change at once, whatever was told before', () => {
  const feed = new StockFeed();
  const first = listen(feed);
  feed.publish(count(5));
  first.leave();

  const second = listen(feed);
  feed.publish(count(4));

  expect(second.heard).toEqual([{ version: 4, atMs: 0 }]);
});

test('the watched products are those someone listens to', () => {
  const feed = new StockFeed();

  const leave = listen(feed, 1).leave;
  listen(feed, 2);
  listen(feed, 2);
  leave();

  expect(feed.watched()).toEqual([2]);
});
