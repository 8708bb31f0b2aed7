import {
  Broadcast,
  streamOf,
  type Subscriber,
  type LiveSource,
  type Versioned,
} from '../../src/live/broadcast.ts';
import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import { until } from '../support/shop.ts';

/** Things whose versions the test sets, and reads that end when the test says so. */
class Things implements LiveSource<string> {
  readonly keys: readonly number[];
  readonly looks = new Set<(key: number) => void>();
  reads = 0;
  /** What is committed; a read shows it as it is when the read begins. */
  readonly committed = new Map<number, number>();
  /** Holds reads up while it is set. */
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
    for (const [key, version] of seen) this.#learn(key, version);
  }

  current(key: number): Versioned<string> | undefined {
    const version = this.#known.get(key);
    return version === undefined ? undefined : { version, value: `${key}: ${version}` };
  }

  subscribe(look: (key: number) => void): () => void {
    this.looks.add(look);
    return () => this.looks.delete(look);
  }

  /** A change becomes known here by way of the feed. */
  announce(key: number, version: number): void {
    this.committed.set(key, Math.max(version, this.committed.get(key)!));
    this.#learn(key, version);
    for (const look of this.looks) look(key);
  }

  #learn(key: number, version: number): void {
    this.#known.set(key, Math.max(version, this.#known.get(key) ?? 0));
  }
}

function newSubscriber() {
  const heard: string[] = [];
  const errors: unknown[] = [];
  const listener: Subscriber<string> = {
    deliver: (_key, told) => void heard.push(told),
    fail: (error) => void errors.push(error),
  };
  return { ...listener, heard, errors };
}

function gather(things: Things) {
  const rendered: string[] = [];
  const state = { empty: 0, render: undefined as Promise<void> | undefined };
  const broadcast = new Broadcast<string, string>(
    things,
    async (value) => {
      rendered.push(value);
      await state.render;
      return value;
    },
    () => void (state.empty += 1),
  );
  return { broadcast, rendered, state };
}

/** Lets everything that is ready run. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a value is rendered once, however many listen', async () => {
  const things = new Things();
  const { broadcast, rendered } = gather(things);
  const listeners = Array.from({ length: 1000 }, newSubscriber);

  for (const listener of listeners) broadcast.subscribe(listener);
  await settle();
  things.announce(1, 2);
  await settle();

  expect(rendered).toEqual(['1: 1', '1: 1', '1: 2']);
  for (const { heard } of listeners) expect(heard).toEqual(['1: 1', '1: 2']);
});

test('those who come while others’ state is read share one more read, begun after they came', async () => {
  const things = new Things();
  const { broadcast } = gather(things);
  const free = Promise.withResolvers<void>();
  things.gate = free.promise;
  const [first, ...others] = Array.from({ length: 100 }, newSubscriber);

  broadcast.subscribe(first!);
  // Committed elsewhere, after the first read saw what there was; no word of it came.
  things.committed.set(1, 7);
  for (const listener of others) broadcast.subscribe(listener);
  free.resolve();
  await settle();

  expect(things.reads).toBe(2);
  for (const { heard } of others) expect(heard).toEqual(['1: 7']);
  expect(first!.heard).toEqual(['1: 1', '1: 7']);
});

test('who comes late is told what is, and those before it nothing twice', async () => {
  const things = new Things();
  const { broadcast } = gather(things);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();
  things.announce(1, 2);
  await settle();

  broadcast.subscribe(late);
  await settle();
  things.announce(1, 3);
  await settle();

  expect(early.heard).toEqual(['1: 1', '1: 2', '1: 3']);
  expect(late.heard).toEqual(['1: 2', '1: 3']);
});

test('a value that was being rendered when a listener came is not told to it', async () => {
  const things = new Things();
  const { broadcast, state } = gather(things);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();

  const free = Promise.withResolvers<void>();
  state.render = free.promise;
  things.announce(1, 2);
  things.committed.set(1, 5);
  broadcast.subscribe(late);
  await settle();
  free.resolve();
  await settle();

  expect(early.heard).toEqual(['1: 1', '1: 2', '1: 5']);
  expect(late.heard).toEqual(['1: 5']);
});

test('a read that saw less than the feed already told lowers no version', async () => {
  const things = new Things();
  const { broadcast } = gather(things);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();
  const free = Promise.withResolvers<void>();
  things.gate = free.promise;

  broadcast.subscribe(late);
  things.announce(1, 4);
  await settle();
  const heardBeforeItsRead = [...late.heard];
  free.resolve();
  await settle();

  expect(heardBeforeItsRead).toEqual([]);
  expect(late.heard).toEqual(['1: 4']);
  expect(early.heard).toEqual(['1: 1', '1: 4']);
});

test('of each of several things the newest is told, and an older word of one is not', async () => {
  const things = new Things([1, 2, 3]);
  const { broadcast, state } = gather(things);
  const listener = newSubscriber();
  broadcast.subscribe(listener);
  await settle();

  const free = Promise.withResolvers<void>();
  state.render = free.promise;
  things.announce(1, 2);
  for (const version of [2, 3, 4]) for (const key of [1, 2, 3]) things.announce(key, version);
  things.announce(2, 3);
  free.resolve();
  await settle();

  expect(listener.heard.slice(0, 3)).toEqual(['1: 1', '2: 1', '3: 1']);
  expect(listener.heard.slice(3)).toEqual(['1: 2', '1: 4', '2: 4', '3: 4']);
});

test('who leaves hears nothing more, and the last one’s leaving lets go of the source', async () => {
  const things = new Things();
  const { broadcast, rendered, state } = gather(things);
  const [one, other] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(one);
  broadcast.subscribe(other);
  await settle();

  broadcast.unsubscribe(one);
  broadcast.unsubscribe(one);
  things.announce(1, 2);
  await settle();
  const emptyBefore = state.empty;
  broadcast.unsubscribe(other);
  things.announce(1, 3);
  await settle();

  expect(one.heard).toEqual(['1: 1']);
  expect(other.heard).toEqual(['1: 1', '1: 2']);
  expect(emptyBefore).toBe(0);
  expect(state.empty).toBe(1);
  expect(things.looks.size).toBe(0);
  expect(rendered).not.toContain('1: 3');
});

test('who leaves while its state is read is told nothing, and nothing is rendered for it', async () => {
  const things = new Things();
  const { broadcast, rendered, state } = gather(things);
  const free = Promise.withResolvers<void>();
  things.gate = free.promise;
  const listener = newSubscriber();

  broadcast.subscribe(listener);
  broadcast.unsubscribe(listener);
  free.resolve();
  await settle();

  expect(listener.heard).toEqual([]);
  expect(rendered).toEqual([]);
  expect(state.empty).toBe(1);
});

test('a read that fails is told to those it was for, and the others go on', async () => {
  const things = new Things();
  const { broadcast, state } = gather(things);
  const [early, late] = [newSubscriber(), newSubscriber()];
  broadcast.subscribe(early);
  await settle();

  things.failures.push(new Error('away'));
  broadcast.subscribe(late);
  await settle();
  things.announce(1, 2);
  await settle();

  expect(late.errors).toEqual([new Error('away')]);
  expect(late.heard).toEqual([]);
  expect(early.heard).toEqual(['1: 1', '1: 2']);
  expect(early.errors).toEqual([]);
  expect(state.empty).toBe(0);
});

test('while the database is away those who came wait for it, and who leaves meanwhile is forgotten', async () => {
  const things = new Things();
  const { broadcast, state } = gather(things);
  const [stays, leaves] = [newSubscriber(), newSubscriber()];

  things.failures.push(new UnavailableFault('away'), new BusyFault('busy'));
  broadcast.subscribe(stays);
  broadcast.subscribe(leaves);
  await settle();
  broadcast.unsubscribe(leaves);
  await until('the state', () => stays.heard.length > 0);

  expect([stays.heard, stays.errors]).toEqual([['1: 1'], []]);
  expect([leaves.heard, leaves.errors]).toEqual([[], []]);
  expect(things.reads).toBeGreaterThanOrEqual(3);
  expect(state.empty).toBe(0);
});

test('a rendering that fails is told to everyone, and the source is let go', async () => {
  const things = new Things();
  const broadcast = new Broadcast<string, string>(
    things,
    () => Promise.reject(new Error('broken')),
    () => {},
  );
  const listeners = [newSubscriber(), newSubscriber()];

  for (const listener of listeners) broadcast.subscribe(listener);
  await settle();

  for (const { errors } of listeners) expect(errors).toEqual([new Error('broken')]);
  expect(things.looks.size).toBe(0);
});

test('one who listens alone gets a stream, and leaves the source by ending it', async () => {
  const things = new Things();
  const stream = streamOf(things);

  const first = await stream.next();
  things.announce(1, 2);
  things.announce(1, 3);
  const second = await stream.next();
  await stream.return!();

  expect([first.value, second.value]).toEqual(['1: 1', '1: 3']);
  expect(things.looks.size).toBe(0);
});

test('one who listens alone is told of a read that fails', async () => {
  const things = new Things();
  things.failures.push(new Error('away'));

  const stream = streamOf(things);

  await expect(stream.next()).rejects.toThrow('away');
  expect(things.looks.size).toBe(0);
});
