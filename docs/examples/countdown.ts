import type { Stop } from './shop-client.ts';

/**
 * Counts down what the server says is left, showing the milliseconds left at once and whenever a
 * second is full, down to 0. It reads the monotonic clock: the buyer's wall clock may be hours off,
 * and may be set while we count.
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
