import { setTimeout as delay } from 'node:timers/promises';

/**
 * Ends at the first SIGINT or SIGTERM, or when the reader of standard output is gone. A second signal ends
 * the process at once.
 */
export function stopSignal(): AbortSignal {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  process.stdout.once('error', stop);
  return stopped.signal;
}

/** Does `work` again and again until `stopped`, with `intervalMs` milliseconds between two times. */
export async function untilStopped(
  stopped: AbortSignal,
  intervalMs: number,
  work: () => Promise<void>,
): Promise<void> {
  while (!stopped.aborted) {
    await work();
    await delay(intervalMs, undefined, { signal: stopped }).catch(() => {});
  }
}
