import type { Stop } from './shop-client.ts';

/**
 * Counts down the remaining time of the server. Shows the remaining milliseconds at once and after each
 * full second, down to 0. It reads the monotonic clock, because the buyer's wall clock may be wrong and
 * may change during the countdown.
 */
export function countDown(remainingMs: number, show: (leftMs: number) => void): Stop {
  const startedAt = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const tick = (): void => {
    const leftMs = Math.max(0, Math.round(remainingMs - (performance.now() - startedAt)));
    show(leftMs);
    if (leftMs > 0) timer = setTimeout(tick, leftMs % 1000 || 1000);
  };
  tick();
  return () => clearTimeout(timer);
}
