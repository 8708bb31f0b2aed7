import { jest } from '@jest/globals';
import { ChangeNotifier } from '../../src/live/change-notifier.ts';
import { silentLog } from '../../src/lib/log.ts';
import { openDatabaseProxy } from '../support/server.ts';
import { connectionTo } from '../support/test-postgres.ts';
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
  const board = new ChangeNotifier(
    connectionTo(url),
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

/** Hears what passes through the database, as another server would; beats are told by themselves. */
async function overhear() {
  const session = await openSession(database.url);
  const beats: object[] = [];
  const notices: { readonly changes?: object; readonly gap?: true }[] = [];
  session.on('notification', ({ payload }) => {
    const notice = JSON.parse(payload!);
    (notice.beat ? beats : notices).push(notice);
  });
  await session.query('listen flash_sale_changes');
  /** Says something; whoever hears it has heard all that was said before. */
  const say = (changes: object) =>
    session.query('select pg_notify($1, $2)', [
      'flash_sale_changes',
      JSON.stringify({ from: 'another server', changes }),
    ]);
  return { beats, notices, say, [Symbol.asyncDispose]: () => session.end() };
}

describe('changes', () => {
  test('a thousand of fifty products at once travel as one notice, which oneself does not hear', async () => {
    const { board, heard } = await openBoard();
    const other = await openBoard();
    await using between = await overhear();

    for (let change = 0; change < 1000; change += 1) board.publish('stock', [change % 50]);
    board.publish('purchases', ['one', 'two']);
    await until('the notice', () => other.heard.changes.length > 0);
    board.publish('stock', [7]);
    await until('the next', () => other.heard.changes.length > 1);

    const fifty = Array.from({ length: 50 }, (_, id) => id);
    expect(other.heard).toEqual({
      gaps: 0,
      changes: [{ stock: fifty, purchases: ['one', 'two'] }, { stock: [7] }],
    });
    await until('both in between', () => between.notices.length >= 2);
    expect(between.notices).toHaveLength(2);
    expect(heard).toEqual({ gaps: 0, changes: [] });
    await board.stop();
    await other.board.stop();
  });

  test('more than a notice holds are told as a gap, and so is what nobody can read', async () => {
    const { board } = await openBoard();
    const other = await openBoard();
    await using beside = await openSession(database.url);

    board.publish(
      'purchases',
      Array.from({ length: 1000 }, (_, id) => `purchase ${id}`),
    );
    await until('the gap', () => other.heard.gaps === 1);
    await beside.query("select pg_notify('flash_sale_changes', 'no word of ours')");
    await until('another', () => other.heard.gaps === 2);

    expect(other.heard.changes).toEqual([]);
    await board.stop();
    await other.board.stop();
  });

  test('those that still wait at a stop are sent before the goodbye', async () => {
    const { board } = await openBoard();
    const other = await openBoard();

    board.publish('stock', [1]);
    await board.stop();
    await until('the notice', () => other.heard.changes.length === 1);

    expect(other.heard.changes).toEqual([{ stock: [1] }]);
    await other.board.stop();
  });
});

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
      expect(board.isReceiving).toBe(true);
      jest.advanceTimersByTime(1.9 * BEAT_MS);
      expect(board.isReceiving).toBe(false);
      await until('the gap', () => heard.gaps === 1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }

    await until('the beat', () => board.isReceiving);
    await board.stop();
  });

  test('one on which nobody has anything to say is kept, for it beats', async () => {
    const { board, heard } = await openBoard();
    await using between = await overhear();

    for (let beat = 1; beat <= 12; beat += 1) {
      jest.advanceTimersByTime(BEAT_MS);
      await until('the beat', () => between.beats.length >= beat);
      await between.say({ stock: [beat] });
      await until('what came after it', () => heard.changes.length === beat);
      expect(board.isReceiving).toBe(true);
    }

    expect(heard.gaps).toBe(0);
    await board.stop();
  });
});

test('a database that takes connections and says nothing is asked again until it answers', async () => {
  await using line = await openDatabaseProxy(database.url);
  await using beside = await openSession(database.url);
  const { board, heard, pid } = await openBoard(line.url);

  line.freeze();
  await beside.query('select pg_terminate_backend($1)', [pid]);
  await until('a try that hears nothing', () => line.taken === 2);
  expect([board.isReceiving, heard.gaps]).toEqual([false, 0]);
  line.restore();
  await until('the gap', () => heard.gaps === 1);

  await until('the beat', () => board.isReceiving);
  await board.stop();
});
