import { DatabaseClock } from '../../src/postgres/database-clock.ts';

const START = Date.parse('2026-11-30T12:00:00.000Z');

/** A clock on a database that answers after `roundTripMs`; `passes(ms)` lets time pass for both. */
function openClock({ roundTripMs = 2 } = {}) {
  let atMs = 0;
  let reads = 0;
  let isAway = false;
  const rows = async () => {
    reads += 1;
    if (isAway) throw new Error('away');
    const now = new Date(START + atMs);
    atMs += roundTripMs;
    return [{ now: now.toISOString() }] as never;
  };
  const clock = new DatabaseClock({ rows }, () => atMs);
  return {
    clock,
    reads: () => reads,
    passes: (ms: number) => (atMs += ms),
    goesAway: () => (isAway = true),
    errorMs: async () => (await clock.estimate()).getTime() - (START + atMs),
  };
}

test('simultaneous callers share a reading', async () => {
  const { clock, reads } = openClock();

  await Promise.all([clock.estimate(), clock.estimate(), clock.estimate()]);

  expect(reads()).toBe(1);
});

test('a reading is extrapolated, with an error of at most its round trip', async () => {
  const { reads, passes, errorMs } = openClock({ roundTripMs: 400 });
  const first = await errorMs();

  passes(900);
  const later = await errorMs();

  expect([first, later]).toEqual([-400, -400]);
  expect(reads()).toBe(1);
});

test('a reading with a long round trip serves only its own callers', async () => {
  const { clock, reads } = openClock({ roundTripMs: 501 });

  await clock.estimate();
  await clock.estimate();

  expect(reads()).toBe(2);
});

test('a reading is renewed after a second, without a wait', async () => {
  const { clock, reads, passes, goesAway } = openClock();
  await clock.estimate();
  passes(1000);
  goesAway();

  await clock.estimate();

  expect(reads()).toBe(2);
});

test('an old reading is not used: the caller waits for a new one, or receives its error', async () => {
  const { clock, passes, goesAway } = openClock();
  await clock.estimate();
  passes(3000);
  goesAway();

  await expect(clock.estimate()).rejects.toThrow('away');
});

test('an exact reading is never an estimate', async () => {
  const { clock, reads } = openClock();
  await clock.estimate();

  await clock.read();

  expect(reads()).toBe(2);
});
