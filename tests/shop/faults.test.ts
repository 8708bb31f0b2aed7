import pg from 'pg';
import { UnavailableFault } from '../../src/lib/faults.ts';
import { createLog } from '../../src/lib/log.ts';
import { transact, type Transaction } from '../../src/postgres/transaction.ts';
import { ask, codeOf } from '../support/buyer.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { makeProduct, openSession, openTestShop, until, type TestShop } from '../support/shop.ts';

/** Few, so that a test can use them up. */
const CONNECTIONS_MAX = 12;

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly sqlState?: string;
  readonly times?: number;
}

let postgres: OwnPostgres;
let open: TestShop;
const lines: Line[] = [];
const warnings = createLog('warn', { write: (line) => void lines.push(JSON.parse(line) as Line) });

beforeAll(async () => {
  postgres = await OwnPostgres.start('-c', `max_connections=${CONNECTIONS_MAX}`);
  open = await openTestShop(postgres.url, { poolMax: 6, log: warnings });
}, 30_000);

afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

beforeEach(() => void (lines.length = 0));

const readOne = () => open.database.rows('select 1', []);
const linesOf = (reason: string) => lines.filter(({ msg }) => msg.includes(reason));

/** Takes every connection that the database has left. */
async function useUpConnections() {
  const sessions: pg.Client[] = [];
  const refusals = 3;
  for (let refused = 0; refused < refusals;) {
    try {
      sessions.push(await openSession(postgres.url));
    } catch {
      refused += 1;
    }
  }
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(sessions.map((session) => session.end()));
    },
  };
}

describe('with all connections of the database in use', () => {
  test('requests wait for the open sessions of the pool', async () => {
    const productId = await makeProduct(open.shop);
    await using _others = await useUpConnections();
    const reads = Array.from({ length: 30 }, readOne);
    const holds = Array.from({ length: 5 }, () => ask(open.shop, productId));

    const rows = await Promise.all(reads);
    const answers = await Promise.all(holds);

    expect(rows).toHaveLength(30);
    expect(answers.map(codeOf)).toEqual(Array(5).fill('OK'));
    expect(open.database.pool().waiting).toBe(0);
  });

  test('without the guard, with pg’s own pool, they fail at once', async () => {
    const pool = new pg.Pool({ connectionString: postgres.url, max: 6 });
    await pool.query('select 1');
    await using _others = await useUpConnections();

    const reads = await Promise.allSettled(
      Array.from({ length: 30 }, () => pool.query('select 1')),
    );
    await pool.end();

    const failed = reads.filter(({ status }) => status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
  });

  test('a pool without a session reports an unavailable database and the reason', async () => {
    await using bare = await openTestShop(postgres.url, { poolMax: 2, log: warnings });
    await using _others = await useUpConnections();

    await expect(bare.database.rows('select 1', [])).rejects.toThrow(UnavailableFault);
    expect(linesOf('too many clients already')).toMatchObject([
      { level: 'warn', sqlState: '53300' },
    ]);
  });

  test('the pool has its full size again when connections are free', async () => {
    {
      await using _others = await useUpConnections();
      await Promise.all(Array.from({ length: 10 }, readOne));
    }
    await until('a further session', async () => {
      await Promise.all(
        Array.from({ length: 6 }, () => open.database.rows('select pg_sleep(0.05)', [])),
      );
      return open.database.pool().idle === 6;
    });
  });
});

describe('a fault is logged at warn with the message of PostgreSQL', () => {
  test('for a session that is ended during its commit', async () => {
    const lost = transact(open.database, (tx) =>
      tx.lastRows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]),
    );

    await expect(lost).rejects.toThrow('the outcome is unknown');
    expect(linesOf('terminating connection due to administrator command')).toMatchObject([
      { level: 'warn', sqlState: '57P01', msg: expect.stringContaining('the outcome is unknown') },
    ]);
  });

  test('for a full disk', async () => {
    const full = transact(open.database, (tx) =>
      raise(tx, '53100', 'could not extend file: No space left on device'),
    );

    await expect(full).rejects.toThrow(UnavailableFault);
    expect(linesOf('No space left on device')).toMatchObject([
      { level: 'warn', sqlState: '53100' },
    ]);
  });

  test('for refused connections, once with the first and then as a count', async () => {
    await postgres.stop();
    try {
      const refused = await Promise.allSettled(Array.from({ length: 40 }, readOne));
      const first = linesOf('ECONNREFUSED').length;
      const counted = await until('the count', () =>
        lines.find(({ msg, times }) => times && msg.includes('ECONNREFUSED')),
      );

      expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
      expect(first).toBe(1);
      expect(counted).toMatchObject({ level: 'warn', sqlState: 'ECONNREFUSED' });
      expect(counted.times).toBeGreaterThan(20);
    } finally {
      await postgres.startAgain();
      await until('the database', () => readOne().catch(() => false));
    }
  });
});

test.each(['40003', '08007', '25006'])(
  'a statement that fails with %s is not a bug, and its session is dropped',
  async (code) => {
    let before: number | undefined;
    const failed = transact(open.database, async (tx) => {
      before = await pidOf(tx);
      await raise(tx, code, 'a reason');
    });

    await expect(failed).rejects.toThrow(UnavailableFault);
    await using session = await openSession(postgres.url);
    await until('the session to be gone', async () => {
      const { rows } = await session.query('select from pg_stat_activity where pid = $1', [before]);
      return rows.length === 0;
    });
  },
);

test('a commit that is cancelled has an unknown outcome', async () => {
  await using session = await openSession(postgres.url);
  await session.query(`
    create table slow_commits (id int);
    create function take_long() returns trigger language plpgsql as
      $$ begin perform pg_sleep(30); return null; end $$;
    create constraint trigger slow after insert on slow_commits deferrable initially deferred
      for each row execute function take_long()`);

  const answered = transact(open.database, (tx) =>
    tx.lastRows('insert into slow_commits values ($1)', [1]),
  ).catch((error: Error) => error);
  await until('the commit', async () => {
    const { rows } = await session.query<{ count: string }>(
      "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'PgSleep'",
    );
    return Number(rows[0]!.count) > 0;
  });

  expect(await answered).toBeInstanceOf(UnavailableFault);
  expect(((await answered) as Error).message).toContain('the outcome is unknown');
});

test('after a failed statement whose error was ignored, nothing is committed', async () => {
  const swallowed = transact(open.database, async (tx) => {
    await raise(tx, '25006', 'read-only').catch(() => {});
    await tx.rows('select 1', []).catch(() => {});
  });

  await expect(swallowed).rejects.toThrow('The database is away; nothing was done.');
});

test('a password that is no longer valid is an unavailable database, not a bug', async () => {
  await using session = await openSession(postgres.url);
  await session.query("create role other login superuser password 'first'");
  const url = new URL(postgres.url);
  url.username = 'other';
  url.password = 'first';
  await using other = await openTestShop(url.toString(), { poolMax: 2, log: warnings });
  await session.query("alter role other password 'second'");

  await expect(other.database.rows('select 1', [])).rejects.toThrow(UnavailableFault);
  expect(linesOf('password authentication failed')).toMatchObject([{ sqlState: '28P01' }]);
});

async function pidOf(tx: Transaction): Promise<number> {
  const [row] = await tx.rows<{ pid: number }>('select pg_backend_pid() as pid', []);
  return row!.pid;
}

/** Has the database fail a statement with this SQLSTATE: what no test can bring about, such as a full disk. */
async function raise(tx: Transaction, code: string, message: string): Promise<void> {
  await tx.em.execute(
    `do $$ begin raise exception using errcode = '${code}', message = '${message}'; end $$`,
  );
}
