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

/** A notifier, the gaps and changes it reports, and the database session it listens on. */
async function openNotifier(url = database.url) {
  await using beside = await openSession(database.url);
  const received: { gaps: number; changes: unknown[] } = { gaps: 0, changes: [] };
  const notifier = new ChangeNotifier(
    connectionTo(url),
    {
      onChanges: (changes) => void received.changes.push(changes),
      onGap: () => void (received.gaps += 1),
    },
    silentLog,
  );
  await notifier.start();
  const { rows } = await beside.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'flash-sale notices' order by backend_start desc limit 1",
  );
  return { notifier, received, pid: rows[0]!.pid };
}

/** Listens to the channel as another server does. Heartbeats are listed separately. */
async function listenBeside() {
  const session = await openSession(database.url);
  const beats: object[] = [];
  const notices: { readonly changes?: object; readonly gap?: true }[] = [];
  session.on('notification', ({ payload }) => {
    const notice = JSON.parse(payload!);
    (notice.beat ? beats : notices).push(notice);
  });
  await session.query('listen flash_sale_changes');
  /** Publishes a change. A listener that receives it has received all earlier ones. */
  const publish = (changes: object) =>
    session.query('select pg_notify($1, $2)', [
      'flash_sale_changes',
      JSON.stringify({ from: 'another server', changes }),
    ]);
  return { beats, notices, publish, [Symbol.asyncDispose]: () => session.end() };
}

describe('changes', () => {
  test('a thousand changes of fifty products at once are one notification, which the sender does not receive', async () => {
    const { notifier, received } = await openNotifier();
    const other = await openNotifier();
    await using between = await listenBeside();

    for (let change = 0; change < 1000; change += 1) notifier.publish('stock', [change % 50]);
    notifier.publish('purchases', ['one', 'two']);
    await until('the notification', () => other.received.changes.length > 0);
    notifier.publish('stock', [7]);
    await until('the next', () => other.received.changes.length > 1);

    const fifty = Array.from({ length: 50 }, (_, id) => id);
    expect(other.received).toEqual({
      gaps: 0,
      changes: [{ stock: fifty, purchases: ['one', 'two'] }, { stock: [7] }],
    });
    await until('both in between', () => between.notices.length >= 2);
    expect(between.notices).toHaveLength(2);
    expect(received).toEqual({ gaps: 0, changes: [] });
    await notifier.stop();
    await other.notifier.stop();
  });

  test('changes that exceed one notification are a gap, and so is an unreadable notification', async () => {
    const { notifier } = await openNotifier();
    const other = await openNotifier();
    await using beside = await openSession(database.url);

    notifier.publish(
      'purchases',
      Array.from({ length: 1000 }, (_, id) => `purchase ${id}`),
    );
    await until('the gap', () => other.received.gaps === 1);
    await beside.query("select pg_notify('flash_sale_changes', 'not a notification')");
    await until('another', () => other.received.gaps === 2);

    expect(other.received.changes).toEqual([]);
    await notifier.stop();
    await other.notifier.stop();
  });

  test('pending changes are sent before the connection closes', async () => {
    const { notifier } = await openNotifier();
    const other = await openNotifier();

    notifier.publish('stock', [1]);
    await notifier.stop();
    await until('the notification', () => other.received.changes.length === 1);

    expect(other.received.changes).toEqual([{ stock: [1] }]);
    await other.notifier.stop();
  });
});

describe('a silent connection', () => {
  beforeEach(() => {
    // The timers of heartbeat and silence are fake; those of the database driver are real.
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

  test('it is replaced within five seconds, and the missed changes are a gap', async () => {
    const { notifier, received, pid } = await openNotifier();

    // Frozen, as behind a half-open connection: no data arrives, and no close.
    process.kill(pid, 'SIGSTOP');
    try {
      jest.advanceTimersByTime(3 * BEAT_MS);
      expect(notifier.isReceiving).toBe(true);
      jest.advanceTimersByTime(1.9 * BEAT_MS);
      expect(notifier.isReceiving).toBe(false);
      await until('the gap', () => received.gaps === 1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }

    await until('the beat', () => notifier.isReceiving);
    await notifier.stop();
  });

  test('a connection without changes is kept by its heartbeat', async () => {
    const { notifier, received } = await openNotifier();
    await using between = await listenBeside();

    for (let beat = 1; beat <= 12; beat += 1) {
      jest.advanceTimersByTime(BEAT_MS);
      await until('the beat', () => between.beats.length >= beat);
      await between.publish({ stock: [beat] });
      await until('what came after it', () => received.changes.length === beat);
      expect(notifier.isReceiving).toBe(true);
    }

    expect(received.gaps).toBe(0);
    await notifier.stop();
  });
});

test('a database that accepts connections and does not answer is retried until it answers', async () => {
  await using line = await openDatabaseProxy(database.url);
  await using beside = await openSession(database.url);
  const { notifier, received, pid } = await openNotifier(line.url);

  line.freeze();
  await beside.query('select pg_terminate_backend($1)', [pid]);
  await until('a try without an answer', () => line.taken === 2);
  expect([notifier.isReceiving, received.gaps]).toEqual([false, 0]);
  line.restore();
  await until('the gap', () => received.gaps === 1);

  await until('the beat', () => notifier.isReceiving);
  await notifier.stop();
});
