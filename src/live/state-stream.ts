import { isFault } from '../lib/faults.ts';
import { NewestStream } from './newest-stream.ts';

/** The state of a hold or an order, and its changes. */
export interface StateSource<State, Event> {
  /** Reads the state as committed. */
  read(): Promise<State>;
  /** The event that subscribers receive of a state; null while there is none. */
  eventOf(state: State): (Event & { readonly status: string }) | null;
  /** Whether the state is final. */
  isFinal(state: State): boolean;
  /** Milliseconds to the deadline at which the state changes without a signal. */
  msToDeadline(state: State): number;
  /** Calls `onChange` at each change until the function returned is called. */
  subscribe(onChange: () => void): () => void;
}

/** A timer may fire a little early: a read this long after the deadline finds it past. */
const AFTER_DEADLINE_MS = 5;

/** The longest delay of a timer; a longer one fires at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** Past its deadline a state may be unchanged (locked row, database unavailable): read it again after this. */
const RETRY_MS = 100;

/**
 * The current state as a stream, then each change of its status. The state is read at each signal and
 * at its deadline; the stream completes with the final state. It subscribes before it reads, so that
 * no change is missed between the two.
 */
export function streamStates<State, Event>(
  source: StateSource<State, Event>,
): AsyncIterableIterator<Event> {
  let sentStatus: string | undefined;
  let isOpen = true;
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe = (): void => {};

  const stream = new NewestStream<'state', Event>(() => {
    isOpen = false;
    clearTimeout(timer);
    unsubscribe();
  });

  const readAfter = (ms: number): void => {
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(read, Math.min(ms, TIMER_MS_MAX));
  };

  const send = (state: State): void => {
    const event = source.eventOf(state);
    if (event !== null && event.status !== sentStatus) stream.push('state', event);
    sentStatus = event?.status;
    if (source.isFinal(state)) return stream.end();
    const ms = source.msToDeadline(state);
    readAfter(ms > 0 ? ms + AFTER_DEADLINE_MS : RETRY_MS);
  };

  const read = oneAtATime(async () => {
    if (!isOpen) return;
    try {
      const state = await source.read();
      if (isOpen) send(state);
    } catch (error) {
      if (!isFault(error)) return stream.fail(error);
      readAfter(RETRY_MS);
    }
  });

  unsubscribe = source.subscribe(read);
  read();
  return stream;
}

/** Runs `work` one call at a time; calls during a run share one more run after it. */
function oneAtATime(work: () => Promise<void>): () => void {
  let isRunning = false;
  let isDue = false;
  const run = (): void => {
    isDue = isRunning;
    if (isRunning) return;
    isRunning = true;
    void work().then(() => {
      isRunning = false;
      if (isDue) run();
    });
  };
  return run;
}
