import { CallFailed, type Stop } from './shop-client.ts';

/** About twenty seconds of waiting in total; then the buyer decides. */
const TRIES_MAX = 8;

/** No answer, the database unavailable or its commit unknown, too many calls: a retry may succeed. */
const CODES_TO_RETRY: readonly (string | undefined)[] = [undefined, 'OVERLOADED', 'RATE_LIMITED'];

/**
 * Calls until there is an answer, and waits if the shop is busy. Use it only for repeatable calls: a
 * query, createHold with an idempotency key, any mutation by token. The last failure is thrown, the
 * last Busy returned.
 */
export async function answered<Answer extends object>(
  call: () => Promise<Answer>,
): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    try {
      const answer = await call();
      if (tried === TRIES_MAX || !isBusy(answer)) return answer;
      await pause(answer.retryAfterMs + backoffMs(tried));
    } catch (error) {
      if (tried === TRIES_MAX || !mayPass(error)) throw error;
      await pause(backoffMs(tried));
    }
  }
}

/**
 * Keeps a subscription until it is stopped. graphql-ws handles a lost socket. This restarts a
 * subscription that ended with a temporary error. Any other error is reported, and ends it.
 */
export function followed(
  subscribe: (failed: (failure: CallFailed) => void) => Stop,
  ended: (failure: CallFailed) => void,
): Stop {
  let stop: Stop = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tried = 0;

  const begin = (): void => {
    stop = subscribe((failure) => {
      if (!mayPass(failure)) return ended(failure);
      tried += 1;
      timer = setTimeout(begin, backoffMs(tried));
    });
  };
  begin();
  return () => {
    clearTimeout(timer);
    stop();
  };
}

/**
 * The wait before the next try: a random part of a limit that grows to 10 s. So ten thousand pages that
 * lost one server do not all reconnect at once.
 */
export function backoffMs(tried: number): number {
  return Math.random() * Math.min(10_000, 500 * 2 ** tried);
}

/** Resolves after this many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function mayPass(error: unknown): boolean {
  return error instanceof CallFailed && CODES_TO_RETRY.includes(error.code);
}

function isBusy(answer: object): answer is { readonly retryAfterMs: number } {
  return 'retryAfterMs' in answer;
}
