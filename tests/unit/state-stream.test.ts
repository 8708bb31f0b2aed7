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
  /** Milliseconds until it changes by itself. */
  readonly leftMs: number;
  readonly note?: string;
}

/** A thing whose state the test sets, and that counts who looks at it. */
class Thing implements StateSource<State, State> {
  state: State = { status: 'ACTIVE', leftMs: 1000 };
  readonly listeners = new Set<() => void>();
  reads = 0;
  subscribedBeforeRead = false;
  /** What the next reads throw. */
  readonly failures: unknown[] = [];
  /** Holds the reads up while it is set. */
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

/** Lets all reads that are ready end. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('the current state is told first, by one who listened before he read', async () => {
  const thing = new Thing();

  const stream = streamStates(thing);
  const first = await statusOf(stream);
  await stream.return!();

  expect(first).toBe('ACTIVE');
  expect(thing.subscribedBeforeRead).toBe(true);
});

test('a thing that is over already is told once, and the stream completes', async () => {
  const thing = new Thing();
  thing.state = { status: 'ENDED', leftMs: 0 };

  const stream = streamStates(thing);

  expect(await statusOf(stream)).toBe('ENDED');
  expect(await statusOf(stream)).toBe('over');
  expect(thing.listeners.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

test('each change of the status is told, and a signal without one is not', async () => {
  const thing = new Thing();
  const stream = streamStates(thing);
  const heard = [await statusOf(stream)];

  const next = statusOf(stream);
  thing.become('ACTIVE', { note: 'the same' });
  await turn();
  thing.become('PAUSED');
  heard.push(await next);
  thing.become('ENDED');
  heard.push(await statusOf(stream), await statusOf(stream));

  expect(heard).toEqual(['ACTIVE', 'PAUSED', 'ENDED', 'over']);
});

test('while there is nothing to tell the stream is silent', async () => {
  const thing = new Thing();
  thing.state = { status: 'UNKNOWN', leftMs: 1000 };
  const stream = streamStates(thing);
  await turn();

  const next = statusOf(stream);
  thing.become('ACTIVE');

  expect(await next).toBe('ACTIVE');
});

test('a signal during a read is not lost: it is read once more, however many signals came', async () => {
  const thing = new Thing();
  const free = Promise.withResolvers<void>();
  thing.gate = free.promise;
  const stream = streamStates(thing);

  thing.become('PAUSED');
  thing.become('ENDED');
  thing.gate = undefined;
  free.resolve();
  const heard = [await statusOf(stream), await statusOf(stream), await statusOf(stream)];

  expect(heard).toEqual(['ACTIVE', 'ENDED', 'over']);
  expect(thing.reads).toBe(2);
});

test('at its deadline the state is read anew, a moment after it and without any signal', async () => {
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

test('a state that stands still past its deadline is read every 100 ms, not faster', async () => {
  const thing = new Thing();
  thing.state = { status: 'ACTIVE', leftMs: 0 };
  const stream = streamStates(thing);
  await statusOf(stream);

  await jest.advanceTimersByTimeAsync(1000);
  const reads = thing.reads;
  await stream.return!();

  expect(reads).toBe(1 + 10);
});

test('a deadline further off than a timer can wait does not make the stream spin', async () => {
  const thing = new Thing();
  thing.state = { status: 'ACTIVE', leftMs: 2_147_483_647 };
  const stream = streamStates(thing);
  await statusOf(stream);

  await jest.advanceTimersByTimeAsync(10_000);
  const reads = thing.reads;
  await stream.return!();

  expect(reads).toBe(1);
});

test('while the database is away the stream waits, and looks again every 100 ms', async () => {
  const thing = new Thing();
  thing.failures.push(new UnavailableFault('away'), new UnavailableFault('away'));
  const stream = streamStates(thing);

  const first = statusOf(stream);
  await jest.advanceTimersByTimeAsync(200);

  expect(await first).toBe('ACTIVE');
  expect(thing.reads).toBe(3);
  await stream.return!();
});

test('a bug ends the stream with its error and leaves nothing behind', async () => {
  const thing = new Thing();
  thing.failures.push(new Error('broken'));

  const stream = streamStates(thing);

  await expect(stream.next()).rejects.toThrow('broken');
  expect(thing.listeners.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

test('who leaves leaves no timer and no listener behind', async () => {
  const thing = new Thing();
  const stream = streamStates(thing);
  await statusOf(stream);
  const timersBefore = jest.getTimerCount();

  await stream.return!();

  expect(timersBefore).toBe(1);
  expect(jest.getTimerCount()).toBe(0);
  expect(thing.listeners.size).toBe(0);
});

test('who leaves is no longer told, not even by a read that was under way', async () => {
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
