import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { isFault } from '../lib/faults.ts';
import { NewestStream } from './newest-stream.ts';

/** A value as it stood at one version of its thing. */
export interface Versioned<Value> {
  /** Rises with each change of the thing. */
  readonly version: number;
  readonly value: Value;
}

/** Some things, known by numbers, of which the newest is to be told. */
export interface LiveSource<Value> {
  /** Reads all of them anew: what is known then is at least as new as the call. */
  read(): Promise<void>;
  /** The newest that is known of one; undefined before the first read. */
  current(key: number): Versioned<Value> | undefined;
  /** Which things these are. */
  readonly keys: readonly number[];
  /** Calls `look` with the key of each that changed until the function returned is called. */
  subscribe(look: (key: number) => void): () => void;
}

/** One who is told. It must not call its audience from within `tell`. */
export interface Listener<Told> {
  /** What is told of one thing; newer than all it was told of it before. */
  tell(key: number, told: Told): void;
  /** What is there could not be read, and nothing more will be told. */
  fail(error: unknown): void;
}

/** After so many are told others of the process get their turn: a long row of them takes a while. */
const TOLD_IN_A_TURN = 250;

/** While the database is away, or busy, it is asked again so often. */
const READ_AGAIN_MS = 100;

/** Of a listener whose first read is not done: it hears from no round yet. */
const ARRIVING = Infinity;

/** Before anything was told. */
const NOTHING_TOLD = { version: -1, round: -1 } as const;

/**
 * All who listen to the same things: one source, and one rendering of each value for everyone.
 *
 * A listener is *arriving* while the things are read for it, by a read that began after it came;
 * those who come meanwhile share the next read. Then it is *seated*: it is told the newest of each
 * thing once, and whatever is newer from then on. A telling is a *round*; one that began before a
 * listener was seated is none of its own, so its first value is never older than its coming, and no
 * version ever falls. When the last one leaves, the audience lets go of its source.
 */
export class Broadcast<Value, Told> {
  readonly #source: LiveSource<Value>;
  readonly #render: (value: Value) => Told | Promise<Told>;
  readonly #onEmpty: () => void;
  readonly #unsubscribe: () => void;
  /** Everyone, with the first round that is theirs. */
  readonly #listeners = new Map<Listener<Told>, number>();
  #arriving: Listener<Told>[] = [];
  /** The first round of whoever was seated last. */
  #lastSeatedFrom = 0;
  /** Things of which something is to be told. */
  readonly #due = new Set<number>();
  readonly #told = new Map<number, { readonly version: number; readonly round: number }>();
  #round = 0;
  #isReading = false;
  #isTelling = false;

  /**
   * @param render what everyone is told of a value; called once for each that is told
   * @param onEmpty called once, when the last listener has left; nobody may join then
   */
  constructor(
    source: LiveSource<Value>,
    render: (value: Value) => Told | Promise<Told>,
    onEmpty: () => void,
  ) {
    this.#source = source;
    this.#render = render;
    this.#onEmpty = onEmpty;
    // It listens before it reads, so no change falls between the two.
    this.#unsubscribe = source.subscribe((key) => this.#tellOf([key]));
  }

  /** From now on the listener belongs to it: first it is told the current state, then each change. */
  join(listener: Listener<Told>): void {
    this.#listeners.set(listener, ARRIVING);
    this.#arriving.push(listener);
    if (!this.#isReading) void this.#readForArriving();
  }

  /** Nothing more is told to this one. Leaving twice is harmless. */
  leave(listener: Listener<Told>): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#unsubscribe();
    this.#onEmpty();
  }

  async #readForArriving(): Promise<void> {
    this.#isReading = true;
    while (this.#arriving.length > 0) {
      const arriving = this.#arriving;
      this.#arriving = [];
      try {
        await this.#source.read();
        this.#seat(arriving);
      } catch (error) {
        await this.#waitOrFail(arriving, error);
      }
    }
    this.#isReading = false;
  }

  /** A fault passes: those who still wait do so. Whatever else it is, they are told. */
  async #waitOrFail(arriving: readonly Listener<Told>[], error: unknown): Promise<void> {
    if (!isFault(error)) return arriving.forEach((listener) => this.#fail(listener, error));
    await delay(READ_AGAIN_MS);
    this.#arriving.unshift(...arriving.filter((listener) => this.#listeners.has(listener)));
  }

  #seat(arriving: readonly Listener<Told>[]): void {
    // Some may have left while their state was read.
    const seated = arriving.filter((listener) => this.#listeners.has(listener));
    if (seated.length === 0) return;
    this.#lastSeatedFrom = this.#round + 1;
    for (const listener of seated) this.#listeners.set(listener, this.#lastSeatedFrom);
    this.#tellOf(this.#source.keys);
  }

  #fail(listener: Listener<Told>, error: unknown): void {
    if (!this.#listeners.has(listener)) return;
    this.leave(listener);
    listener.fail(error);
  }

  #tellOf(keys: readonly number[]): void {
    for (const key of keys) this.#due.add(key);
    if (!this.#isTelling) void this.#tellAll();
  }

  /** One thing after the other: what becomes due meanwhile is told with its newest value after it. */
  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    try {
      for (const key of this.#due) {
        this.#due.delete(key);
        await this.#tell(key);
      }
    } catch (error) {
      for (const listener of this.#listeners.keys()) this.#fail(listener, error);
    }
    this.#isTelling = false;
  }

  async #tell(key: number): Promise<void> {
    const current = this.#source.current(key);
    if (current === undefined) return;
    const before = this.#told.get(key) ?? NOTHING_TOLD;
    // Of what is no news only those are told who were seated after it was told.
    const seatedAfter = current.version > before.version ? -1 : before.round;
    if (this.#lastSeatedFrom <= seatedAfter) return;
    const round = (this.#round += 1);
    this.#told.set(key, { version: current.version, round });
    await this.#tellEach(key, await this.#render(current.value), { round, seatedAfter });
  }

  async #tellEach(
    key: number,
    told: Told,
    { round, seatedAfter }: { readonly round: number; readonly seatedAfter: number },
  ): Promise<void> {
    let count = 0;
    for (const [listener, from] of this.#listeners) {
      if (from > round || from <= seatedAfter) continue;
      listener.tell(key, told);
      count += 1;
      if (count % TOLD_IN_A_TURN === 0) await nextTurn();
    }
  }
}

/** The same for one who listens alone: a stream that keeps the newest of each thing. */
export function listenAlone<Value>(source: LiveSource<Value>): AsyncIterableIterator<Value> {
  const stream = new NewestStream<number, Value>(() => audience.leave(listener));
  const audience = new Broadcast(
    source,
    (value: Value) => value,
    () => {},
  );
  const listener: Listener<Value> = {
    tell: (key, value) => stream.push(key, value),
    fail: (error) => stream.fail(error),
  };
  audience.join(listener);
  return stream;
}
