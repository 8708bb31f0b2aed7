import { jest } from '@jest/globals';
import { NoticeBoard } from '../../src/platform/notices.ts';
import { silentLog } from '../../src/platform/log.ts';
import { openDatabaseLine } from '../support/server.ts';
import { createTestDatabase, openSession, until, type TestDatabase } from '../support/shop.ts';

const BEAT_MS = 1000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

/** A board of its own, how many gaps it told, and the database session it listens on. */
async function openBoard(url = database.url) {
  await using beside = await openSession(database.url);
  const heard: { gaps: number; changes: unknown[] } = { gaps: 0, changes: [] };
  const board = new NoticeBoard(
    url,
    {
      onChanges: (changes) => void heard.changes.push(changes),
      onGap: () => void (heard.gaps += 1),
    },
    silentLog,
  );
  await board.start();
  const { rows } = await beside.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'flash-sale notices' order by backend_start desc limit 1",
  );
  return { board, heard, pid: rows[0]!.pid };
}

/** Counts the beats that pass through the database, as another server would hear them. */
async function countBeats() {
  const session = await openSession(database.url);
  let beats = 0;
  session.on('notification', () => (beats += 1));
  await session.query('listen flash_sale_changes');
  return {
    reach: (count: number) => until('the beat', () => beats >= count),
    [Symbol.asyncDispose]: () => session.end(),
  };
}

describe('a line that falls silent', () => {
  beforeEach(() => {
    // What a board beats and measures silence by; the database's driver has its own true timers.
    jest.useFakeTimers({
      doNotFake: [
        'nextTick',
        'setImmediate',
        'queueMicrotask',
        'setTimeout',
        'clearTimeout',
        'Date',
      ],
    });
  });

  afterEach(() => jest.useRealTimers());

  test('it is given up before five seconds are over, made anew, and what was missed is told as a gap', async () => {
    const { board, heard, pid } = await openBoard();

    // Frozen, as behind a link that is half open: nothing is said, and nothing is closed.
    process.kill(pid, 'SIGSTOP');
    try {
      jest.advanceTimersByTime(3 * BEAT_MS);
      expect(board.isConnected).toBe(true);
      jest.advanceTimersByTime(1.9 * BEAT_MS);
      expect(board.isConnected).toBe(false);
      await until('the gap', () => heard.gaps === 1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }

    expect(board.isConnected).toBe(true);
    await board.stop();
  });

  test('one on which nobody has anything to say is kept, for it beats', async () => {
    const { board, heard } = await openBoard();
    await using beats = await countBeats();

    for (let beat = 1; beat <= 12; beat += 1) {
      jest.advanceTimersByTime(BEAT_MS);
      await beats.reach(beat);
      expect(board.isConnected).toBe(true);
    }

    expect(heard.gaps).toBe(0);
    await board.stop();
  });
});

test('a database that takes connections and says nothing is asked again until it answers', async () => {
  await using line = await openDatabaseLine(database.url);
  await using beside = await openSession(database.url);
  const { board, heard, pid } = await openBoard(line.url);

  line.freeze();
  await beside.query('select pg_terminate_backend($1)', [pid]);
  await until('a try that hears nothing', () => line.taken === 2);
  expect([board.isConnected, heard.gaps]).toEqual([false, 0]);
  line.mend();
  await until('the gap', () => heard.gaps === 1);

  expect(board.isConnected).toBe(true);
  await board.stop();
});
