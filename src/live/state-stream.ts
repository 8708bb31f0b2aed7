import { isFault } from '../lib/faults.ts';
import { NewestStream } from './newest-stream.ts';

/** How one thing's life is followed. */
export interface StateSource<State, Told> {
  /** Reads the state as committed. */
  read(): Promise<State>;
  /** What a subscriber is told of a state; null while there is nothing to tell. */
  tellable(state: State): (Told & { readonly status: string }) | null;
  /** Whether the story is over with this state. */
  isOver(state: State): boolean;
  /** Milliseconds until the state changes by itself. */
  changesInMs(state: State): number;
  /** Calls `look` at each change until the function returned is called. */
  subscribe(look: () => void): () => void;
}

/** A timer may fire a little early: looking a moment after the deadline finds it past. */
const AFTER_DEADLINE_MS = 5;

/** The longest wait of a timer: one beyond it fires at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** Where a deadline is past and the state stands still (its row is locked, or the database away). */
const LOOK_AGAIN_MS = 100;

/**
 * The life of one thing as a stream: the current state first, then each change of its status, read
 * anew at each signal and at its deadline; it completes when the story is over. It listens before
 * it reads, so no change falls between the two.
 */
export function streamStates<State, Told>(
  source: StateSource<State, Told>,
): AsyncIterableIterator<Told> {
  let toldStatus: string | undefined;
  let open = true;
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe = (): void => {};

  const stream = new NewestStream<'state', Told>(() => {
    open = false;
    clearTimeout(timer);
    unsubscribe();
  });

  const lookIn = (ms: number): void => {
    clearTimeout(timer);
    if (open) timer = setTimeout(look, Math.min(ms, TIMER_MS_MAX));
  };

  const tell = (state: State): void => {
    const told = source.tellable(state);
    if (told !== null && told.status !== toldStatus) stream.push('state', told);
    toldStatus = told?.status;
    if (source.isOver(state)) return stream.end();
    const ms = source.changesInMs(state);
    lookIn(ms > 0 ? ms + AFTER_DEADLINE_MS : LOOK_AGAIN_MS);
  };

  const look = oneAtATime(async () => {
    if (!open) return;
    try {
      const state = await source.read();
      if (open) tell(state);
    } catch (error) {
      if (!isFault(error)) return stream.fail(error);
      lookIn(LOOK_AGAIN_MS);
    }
  });

  unsubscribe = source.subscribe(look);
  look();
  return stream;
}

/** Calls of what is returned while `work` is under way share one more run after it. */
function oneAtATime(work: () => Promise<void>): () => void {
  let underWay = false;
  let again = false;
  const run = (): void => {
    again = underWay;
    if (underWay) return;
    underWay = true;
    void work().then(() => {
      underWay = false;
      if (again) run();
    });
  };
  return run;
}
