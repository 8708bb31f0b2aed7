import {
  isDelivered,
  isGone,
  retryDelayMs,
  type AttemptOutcome,
} from '../../src/shop/events/delivery.rules.ts';

const answered = (status: number | null, retryAfterMs: number | null = null): AttemptOutcome => ({
  status,
  retryAfterMs,
});

test('the waits follow the plan, and after the last attempt there is none', () => {
  const waits = Array.from({ length: 11 }, (_, index) =>
    retryDelayMs(index + 1, answered(500), 0.5),
  );

  const hour = 3600;
  expect(waits.map((wait) => wait && wait / 1000)).toEqual([
    5,
    60,
    300,
    1800,
    2 * hour,
    5 * hour,
    10 * hour,
    14 * hour,
    20 * hour,
    24 * hour,
    null,
  ]);
});

test('a wait varies by a tenth in both directions', () => {
  expect(retryDelayMs(1, answered(null), 0)).toBe(4500);
  expect(retryDelayMs(1, answered(null), 1)).toBe(5500);
});

test('Retry-After of 429 and 503 lengthens a wait, up to an hour, and never shortens it', () => {
  expect(retryDelayMs(1, answered(429, 30_000), 0.5)).toBe(30_000);
  expect(retryDelayMs(1, answered(503, 1000), 0.5)).toBe(5000);
  expect(retryDelayMs(1, answered(503, 86_400_000), 0.5)).toBe(3_600_000);
  expect(retryDelayMs(1, answered(500, 30_000), 0.5)).toBe(5000);
});

test('2xx delivers, everything else does not, and 410 ends the endpoint', () => {
  expect([200, 204, 299].map((status) => isDelivered(answered(status)))).toEqual([
    true,
    true,
    true,
  ]);
  expect(
    [null, 100, 199, 300, 302, 404, 410, 500].some((status) => isDelivered(answered(status))),
  ).toBe(false);
  expect([410, 404].map((status) => isGone(answered(status)))).toEqual([true, false]);
});
