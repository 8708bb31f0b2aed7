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

test('callers of one moment share a reading', async () => {
  const { clock, reads } = openClock();

  await Promise.all([clock.estimate(), clock.estimate(), clock.estimate()]);

  expect(reads()).toBe(1);
});

test('a reading is carried on, and off by at most its round trip', async () => {
  const { reads, passes, errorMs } = openClock({ roundTripMs: 400 });
  const first = await errorMs();

  passes(900);
  const later = await errorMs();

  expect([first, later]).toEqual([-400, -400]);
  expect(reads()).toBe(1);
});

test('a reading of a long round trip is used for its callers only', async () => {
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

test('an old reading is not used: the caller waits for a new one, or sees why there is none', async () => {
  const { clock, passes, goesAway } = openClock();
  await clock.estimate();
  passes(3000);
  goesAway();

  await expect(clock.estimate()).rejects.toThrow('away');
});

test('the time that is read for a call is never an estimate', async () => {
  const { clock, reads } = openClock();
  await clock.estimate();

  await clock.read();

  expect(reads()).toBe(2);
});
