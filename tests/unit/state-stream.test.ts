import { UnavailableFault } from '../../src/lib/faults.ts';
import { streamStates, type StateSource } from '../../src/live/state-stream.ts';

const { jest } = import.meta;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
});

afterEach(() => {
  jest.useRealTimers();
});

interface State {
  readonly status: string;
  /** Milliseconds until its deadline. */
  readonly leftMs: number;
  readonly note?: string;
}

/** A source whose state the test sets. It counts its subscriptions. */
class Thing implements StateSource<State, State> {
  state: State = { status: 'ACTIVE', leftMs: 1000 };
  readonly listeners = new Set<() => void>();
  reads = 0;
  subscribedBeforeRead = false;
  /** What the next reads throw. */
  readonly failures: unknown[] = [];
  /** Delays reads while it is set. */
  gate: Promise<void> | undefined;

  async read(): Promise<State> {
    this.reads += 1;
    this.subscribedBeforeRead = this.listeners.size > 0;
    const { state } = this;
    await this.gate;
    if (this.failures.length > 0) throw this.failures.shift();
    return state;
  }

  eventOf(state: State): State | null {
    return state.status === 'UNKNOWN' ? null : state;
  }

  isFinal({ status }: State): boolean {
    return status === 'ENDED';
  }

  msToDeadline({ leftMs }: State): number {
    return leftMs;
  }

  subscribe(look: () => void): () => void {
    this.listeners.add(look);
    return () => this.listeners.delete(look);
  }

  become(status: string, more: Partial<State> = {}): void {
    this.state = { ...this.state, status, ...more };
    this.signal();
  }

  signal(): void {
    for (const look of this.listeners) look();
  }
}

const statusOf = async (stream: AsyncIterator<State>): Promise<string> => {
  const { done, value } = await stream.next();
  return done ? 'over' : (value as State).status;
};

/** Waits until all ready reads have ended. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('the current state is sent first, and the subscription precedes the read', async () => {
  const thing = new Thing();

  const stream = streamStates(thing);
  const first = await statusOf(stream);
  await stream.return!();

  expect(first).toBe('ACTIVE');
  expect(thing.subscribedBeforeRead).toBe(true);
});

test('a final state is sent once, and the stream completes', async () => {
  const thing = new Thing();
  thing.state = { status: 'ENDED', leftMs: 0 };

  const stream = streamStates(thing);

  expect(await statusOf(stream)).toBe('ENDED');
  expect(await statusOf(stream)).toBe('over');
  expect(thing.listeners.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

test('each change of the status is sent, and a signal without one is not', async () => {
  const thing = new Thing();
  const stream = streamStates(thing);
  const received = [await statusOf(stream)];

  const next = statusOf(stream);
  thing.become('ACTIVE', { note: 'the same' });
  await turn();
  thing.become('PAUSED');
  received.push(await next);
  thing.become('ENDED');
  received.push(await statusOf(stream), await statusOf(stream));

  expect(received).toEqual(['ACTIVE', 'PAUSED', 'ENDED', 'over']);
});

test('a state without an event sends nothing', async () => {
  const thing = new Thing();
  thing.state = { status: 'UNKNOWN', leftMs: 1000 };
  const stream = streamStates(thing);
  await turn();

  const next = statusOf(stream);
  thing.become('ACTIVE');

  expect(await next).toBe('ACTIVE');
});

test('a signal during a read causes exactly one more read', async () => {
  const thing = new Thing();
  const free = Promise.withResolvers<void>();
  thing.gate = free.promise;
  const stream = streamStates(thing);

  thing.become('PAUSED');
  thing.become('ENDED');
  thing.gate = undefined;
  free.resolve();
  const received = [await statusOf(stream), await statusOf(stream), await statusOf(stream)];

  expect(received).toEqual(['ACTIVE', 'ENDED', 'over']);
  expect(thing.reads).toBe(2);
});

test('the state is read again shortly after its deadline, without any signal', async () => {
  const thing = new Thing();
  const stream = streamStates(thing);
  await statusOf(stream);
  thing.state = { status: 'ENDED', leftMs: 0 };

  await jest.advanceTimersByTimeAsync(1000);
  const readsAtDeadline = thing.reads;
  await jest.advanceTimersByTimeAsync(5);

  expect(readsAtDeadline).toBe(1);
  expect(thing.reads).toBe(2);
  expect(await statusOf(stream)).toBe('ENDED');
});

test('a state that does not change after its deadline is read every 100 ms, not faster', async () => {
  const thing = new Thing();
  thing.state = { status: 'ACTIVE', leftMs: 0 };
  const stream = streamStates(thing);
  await statusOf(stream);

  await jest.advanceTimersByTimeAsync(1000);
  const reads = thing.reads;
  await stream.return!();

  expect(reads).toBe(1 + 10);
});

test('a deadline beyond the longest timer does not cause repeated reads', async () => {
  const thing = new Thing();
  thing.state = { status: 'ACTIVE', leftMs: 2_147_483_647 };
  const stream = streamStates(thing);
  await statusOf(stream);

  await jest.advanceTimersByTimeAsync(10_000);
  const reads = thing.reads;
  await stream.return!();

  expect(reads).toBe(1);
});

test('while the database is unavailable the stream waits, and reads again every 100 ms', async () => {
  const thing = new Thing();
  thing.failures.push(new UnavailableFault('away'), new UnavailableFault('away'));
  const stream = streamStates(thing);

  const first = statusOf(stream);
  await jest.advanceTimersByTimeAsync(200);

  expect(await first).toBe('ACTIVE');
  expect(thing.reads).toBe(3);
  await stream.return!();
});

test('a bug ends the stream with its error and leaves no timer', async () => {
  const thing = new Thing();
  thing.failures.push(new Error('broken'));

  const stream = streamStates(thing);

  await expect(stream.next()).rejects.toThrow('broken');
  expect(thing.listeners.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

test('an ended stream leaves no timer and no subscription', async () => {
  const thing = new Thing();
  const stream = streamStates(thing);
  await statusOf(stream);
  const timersBefore = jest.getTimerCount();

  await stream.return!();

  expect(timersBefore).toBe(1);
  expect(jest.getTimerCount()).toBe(0);
  expect(thing.listeners.size).toBe(0);
});

test('an ended stream sends nothing, not even from a read in flight', async () => {
  const thing = new Thing();
  const free = Promise.withResolvers<void>();
  thing.gate = free.promise;
  const stream = streamStates(thing);

  await stream.return!();
  free.resolve();
  await turn();

  expect(await statusOf(stream)).toBe('over');
  expect(thing.listeners.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
  expect(thing.reads).toBe(1);
});
