import { CallFailed, type Stop } from './shop-client.ts';

/** Some twenty seconds of waiting in all; then the buyer decides. */
const TRIES_MAX = 8;

/** No answer at all, the database away or its commit unknown, too many calls: later it may work. */
const CODES_TO_RETRY: readonly (string | undefined)[] = [undefined, 'OVERLOADED', 'RATE_LIMITED'];

/**
 * Calls until there is an answer, and waits where the shop is busy. Give it only what may be
 * repeated: a query, createHold with an idempotency key, any mutation by token. The last failure is
 * thrown, the last Busy returned.
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
 * Keeps a subscription until it is stopped. A lost socket is graphql-ws's affair; here one that the
 * server ended with an error which may pass is started again. Any other error is reported, and is the end.
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
 * How long to wait before the next try: longer each time, at most 10 s, and anything from nothing
 * up to that, so that ten thousand pages that lost one server do not all come back at once.
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
