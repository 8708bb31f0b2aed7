import {
  Broadcast,
  streamOf,
  type Subscriber,
  type LiveSource,
  type Versioned,
} from '../../src/live/broadcast.ts';
import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import { until } from '../support/shop.ts';

/** A source whose versions the test sets and whose reads the test completes. */
class FakeSource implements LiveSource<string> {
  readonly keys: readonly number[];
  readonly callbacks = new Set<(key: number) => void>();
  reads = 0;
  /** The committed versions; a read returns those at its start. */
  readonly committed = new Map<number, number>();
  /** Delays reads while it is set. */
  gate: Promise<void> | undefined;
  /** What the next reads throw. */
  readonly failures: Error[] = [];
  readonly #known = new Map<number, number>();

  constructor(keys: readonly number[] = [1]) {
    this.keys = keys;
    for (const key of keys) this.committed.set(key, 1);
  }

  async read(): Promise<void> {
    this.reads += 1;
    const seen = [...this.committed];
    await this.gate;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    for (const [key, version] of seen) this.#remember(key, version);
  }

  current(key: number): Versioned<string> | undefined {
    const version = this.#known.get(key);
    return version === undefined ? undefined : { version, value: `${key}: ${version}` };
  }

  subscribe(callback: (key: number) => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  /** The feed publishes a change. */
  announce(key: number, version: number): void {
    this.committed.set(key, Math.max(version, this.committed.get(key)!));
    this.#remember(key, version);
    for (const callback of this.callbacks) callback(key);
  }

  #remember(key: number, version: number): void {
    this.#known.set(key, Math.max(version, this.#known.get(key) ?? 0));
  }
}

function newSubscriber() {
  const received: string[] = [];
  const errors: unknown[] = [];
  const subscriber: Subscriber<string> = {
    deliver: (_key, value) => void received.push(value),
    fail: (error) => void errors.push(error),
  };
  return { ...subscriber, received, errors };
}

function openBroadcast(source: FakeSource) {
  const rendered: string[] = [];
  const state = { empty: 0, render: undefined as Promise<void> | undefined };
  const broadcast = new Broadcast<string, string>(
    source,
    async (value) => {
      rendered.push(value);
      await state.render;
      return value;
    },
    () => void (state.empty += 1),
  );
  return { broadcast, rendered, state };
}

/** Waits until all ready callbacks have run. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a value is rendered once for all subscribers', async () => {
  const source = new FakeSource();
  const { broadcast, rendered } = openBroadcast(source);
  const subscribers = Array.from({ length: 1000 }, newSubscriber);

  for (const subscriber of subscribers) broadcast.subscribe(subscriber);
  await settle();
  source.announce(1, 2);
  await settle();

  expect(rendered).toEqual(['1: 1', '1: 1', '1: 2']);
  for (const { received } of subscribers) expect(received).toEqual(['1: 1', '1: 2']);
});

test('subscribers that arrive during a read share one more read, which starts after they arrive', async () => {
  const source = new FakeSource();
  const { broadcast } = openBroadcast(source);
  const free = Promise.withResolvers<void>();
  source.gate = free.promise;
  const [first, ...others] = Array.from({ length: 100 }, newSubscriber);

  broadcast.subscribe(first!);
  // Committed on another server after the start of the first read, without a notification.
  source.committed.set(1, 7);
  for (const subscriber of others) broadcast.subscribe(subscriber);
  free.resolve();
  await settle();

  expect(source.reads).toBe(2);
  for (const { received } of others) expect(received).toEqual(['1: 7']);
  expect(first!.received).toEqual(['1: 1', '1: 7']);
});

test('a late subscriber gets the current state, and the earlier ones nothing twice', async () => {
  const source = new FakeSource();
  const { broadcast } = openBroadcast(source);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();
  source.announce(1, 2);
  await settle();

  broadcast.subscribe(late);
  await settle();
  source.announce(1, 3);
  await settle();

  expect(early.received).toEqual(['1: 1', '1: 2', '1: 3']);
  expect(late.received).toEqual(['1: 2', '1: 3']);
});

test('a value whose rendering started before a subscriber arrived is not sent to it', async () => {
  const source = new FakeSource();
  const { broadcast, state } = openBroadcast(source);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();

  const free = Promise.withResolvers<void>();
  state.render = free.promise;
  source.announce(1, 2);
  source.committed.set(1, 5);
  broadcast.subscribe(late);
  await settle();
  free.resolve();
  await settle();

  expect(early.received).toEqual(['1: 1', '1: 2', '1: 5']);
  expect(late.received).toEqual(['1: 5']);
});

test('a read older than the feed lowers no version', async () => {
  const source = new FakeSource();
  const { broadcast } = openBroadcast(source);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();
  const free = Promise.withResolvers<void>();
  source.gate = free.promise;

  broadcast.subscribe(late);
  source.announce(1, 4);
  await settle();
  const receivedBeforeItsRead = [...late.received];
  free.resolve();
  await settle();

  expect(receivedBeforeItsRead).toEqual([]);
  expect(late.received).toEqual(['1: 4']);
  expect(early.received).toEqual(['1: 1', '1: 4']);
});

test('the newest state of each key is sent, and an older one is not', async () => {
  const source = new FakeSource([1, 2, 3]);
  const { broadcast, state } = openBroadcast(source);
  const subscriber = newSubscriber();
  broadcast.subscribe(subscriber);
  await settle();

  const free = Promise.withResolvers<void>();
  state.render = free.promise;
  source.announce(1, 2);
  for (const version of [2, 3, 4]) for (const key of [1, 2, 3]) source.announce(key, version);
  source.announce(2, 3);
  free.resolve();
  await settle();

  expect(subscriber.received.slice(0, 3)).toEqual(['1: 1', '2: 1', '3: 1']);
  expect(subscriber.received.slice(3)).toEqual(['1: 2', '1: 4', '2: 4', '3: 4']);
});

test('a removed subscriber gets nothing more, and removing the last one ends the source subscription', async () => {
  const source = new FakeSource();
  const { broadcast, rendered, state } = openBroadcast(source);
  const [one, other] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(one);
  broadcast.subscribe(other);
  await settle();

  broadcast.unsubscribe(one);
  broadcast.unsubscribe(one);
  source.announce(1, 2);
  await settle();
  const emptyBefore = state.empty;
  broadcast.unsubscribe(other);
  source.announce(1, 3);
  await settle();

  expect(one.received).toEqual(['1: 1']);
  expect(other.received).toEqual(['1: 1', '1: 2']);
  expect(emptyBefore).toBe(0);
  expect(state.empty).toBe(1);
  expect(source.callbacks.size).toBe(0);
  expect(rendered).not.toContain('1: 3');
});

test('a subscriber that ends during the read gets nothing, and nothing is rendered for it', async () => {
  const source = new FakeSource();
  const { broadcast, rendered, state } = openBroadcast(source);
  const free = Promise.withResolvers<void>();
  source.gate = free.promise;
  const subscriber = newSubscriber();

  broadcast.subscribe(subscriber);
  broadcast.unsubscribe(subscriber);
  free.resolve();
  await settle();

  expect(subscriber.received).toEqual([]);
  expect(rendered).toEqual([]);
  expect(state.empty).toBe(1);
});

test('a failed read fails its own subscribers, and the others continue', async () => {
  const source = new FakeSource();
  const { broadcast, state } = openBroadcast(source);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();

  source.failures.push(new Error('away'));
  broadcast.subscribe(late);
  await settle();
  source.announce(1, 2);
  await settle();

  expect(late.errors).toEqual([new Error('away')]);
  expect(late.received).toEqual([]);
  expect(early.received).toEqual(['1: 1', '1: 2']);
  expect(early.errors).toEqual([]);
  expect(state.empty).toBe(0);
});

test('while the database is unavailable new subscribers wait, and a removed one is dropped', async () => {
  const source = new FakeSource();
  const { broadcast, state } = openBroadcast(source);
  const [stays, leaves] = [newSubscriber(), newSubscriber()];

  source.failures.push(new UnavailableFault('away'), new BusyFault('busy'));
  broadcast.subscribe(stays);
  broadcast.subscribe(leaves);
  await settle();
  broadcast.unsubscribe(leaves);
  await until('the state', () => stays.received.length > 0);

  expect([stays.received, stays.errors]).toEqual([['1: 1'], []]);
  expect([leaves.received, leaves.errors]).toEqual([[], []]);
  expect(source.reads).toBeGreaterThanOrEqual(3);
  expect(state.empty).toBe(0);
});

test('a failed rendering fails every subscriber and ends the source subscription', async () => {
  const source = new FakeSource();
  const broadcast = new Broadcast<string, string>(
    source,
    () => Promise.reject(new Error('broken')),
    () => {},
  );
  const subscribers = [newSubscriber(), newSubscriber()];

  for (const subscriber of subscribers) broadcast.subscribe(subscriber);
  await settle();

  for (const { errors } of subscribers) expect(errors).toEqual([new Error('broken')]);
  expect(source.callbacks.size).toBe(0);
});

test('a single subscriber gets a stream, whose end ends the source subscription', async () => {
  const source = new FakeSource();
  const stream = streamOf(source);

  const first = await stream.next();
  source.announce(1, 2);
  source.announce(1, 3);
  const second = await stream.next();
  await stream.return!();

  expect([first.value, second.value]).toEqual(['1: 1', '1: 3']);
  expect(source.callbacks.size).toBe(0);
});

test('a single subscriber gets the error of a failed read', async () => {
  const source = new FakeSource();
  source.failures.push(new Error('away'));

  const stream = streamOf(source);

  await expect(stream.next()).rejects.toThrow('away');
  expect(source.callbacks.size).toBe(0);
});
