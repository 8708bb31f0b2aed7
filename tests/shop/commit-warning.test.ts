import { createLog } from '../../src/lib/log.ts';
import { UnavailableFault } from '../../src/lib/faults.ts';
import { transact } from '../../src/postgres/transaction.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { openSession, openTestShop, until, type TestShop } from '../support/shop.ts';

let postgres: OwnPostgres;
let open: TestShop;
const written: string[] = [];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  const log = createLog('warn', { write: (line) => void written.push(line) });
  open = await openTestShop(postgres.url, { poolMax: 1, log });
  await open.database.rows('create table notes (text text primary key)', []);
  await postgres.set('synchronous_standby_names', 'none_of_this_name');
}, 30_000);

afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

const INSERT = 'insert into notes values ($1)';

/** The process id of the only session in the pool. */
async function pid(): Promise<number> {
  const [row] = await open.database.rows<{ pid: number }>('select pg_backend_pid() as pid', []);
  return row!.pid;
}

/** Cancels the wait of commits for their standby, as an admin does in an outage; a local commit is not undone. */
async function cancelWaits(): Promise<void> {
  await using session = await openSession(postgres.url);
  await until('a commit that waits', async () => {
    const { rows } = await session.query<{ count: string }>(
      `select count(pg_cancel_backend(pid)) from pg_stat_activity
       where datname = current_database() and wait_event = 'SyncRep'`,
    );
    return Number(rows[0]!.count) > 0;
  });
}

test.each([
  [
    'the ORM’s commit',
    'one',
    () => transact(open.database, (tx) => tx.rows(INSERT, ['one']).then(() => {})),
  ],
  [
    'a commit after the last statement',
    'two',
    () => transact(open.database, (tx) => tx.lastRows(INSERT, ['two']).then(() => {})),
  ],
  ['a statement of its own', 'three', () => open.database.rows(INSERT, ['three']).then(() => {})],
])(
  '%s with a warning has an unknown outcome, and its session is dropped',
  async (_what, text, commit) => {
    const before = await pid();
    let announced = false;

    const answered = commit().then(
      () => void (announced = true),
      (error: unknown) => error,
    );
    await cancelWaits();
    const error = await answered;

    expect(announced).toBe(false);
    expect(error).toBeInstanceOf(UnavailableFault);
    expect((error as Error).message).toContain('the outcome is unknown');
    expect(await pid()).not.toBe(before);
    // It was not tried again, and it is there: the same key finds out.
    await using session = await openSession(postgres.url);
    const { rows } = await session.query('select from notes where text = $1', [text]);
    expect(rows).toHaveLength(1);
    expect(written.join('')).toContain(
      'canceling wait for synchronous replication due to user request',
    );
  },
);

test('a commit without an answer in time has an unknown outcome too', async () => {
  const commit = transact(open.database, (tx) => tx.lastRows(INSERT, ['late']));

  await expect(commit).rejects.toThrow('the outcome is unknown');
  await cancelWaits();
});

test('a role setting that hides warnings does not hide this one', async () => {
  await using session = await openSession(postgres.url);
  await session.query('set synchronous_commit = local');
  await session.query('alter role postgres set client_min_messages = error');
  await using quiet = await openTestShop(postgres.url, { poolMax: 1 });
  await session.query('alter role postgres reset client_min_messages');

  const commit = transact(quiet.database, (tx) => tx.lastRows(INSERT, ['quiet']));
  const answered = commit.catch((error: Error) => error.message);
  await cancelWaits();

  expect(await answered).toContain('the outcome is unknown');
});

test('a warning before the commit has no effect', async () => {
  await using session = await openSession(postgres.url);
  await session.query('set synchronous_commit = local');
  await session.query(`create function warn_of_it() returns trigger language plpgsql as
    $$ begin raise warning 'only a word'; return new; end $$`);
  await session.query(
    'create trigger warns before insert on notes for each row execute function warn_of_it()',
  );

  await transact(open.database, async (tx) => {
    await tx.rows('set local synchronous_commit = local', []);
    await tx.lastRows(INSERT, ['warned']);
  });

  const { rows } = await session.query("select from notes where text = 'warned'");
  expect(rows).toHaveLength(1);
});

describe('a warning from code of the database', () => {
  beforeAll(async () => {
    await using session = await openSession(postgres.url);
    await session.query('set synchronous_commit = local');
    await session.query('create table warned (text text primary key)');
    await session.query(`create function warn_at_commit() returns trigger language plpgsql as
      $$ begin set local synchronous_commit = local; raise warning 'only a word'; return null; end $$`);
    await session.query(`create constraint trigger warns_at_commit after insert on warned
      deferrable initially deferred for each row execute function warn_at_commit()`);
  });

  const INTO_WARNED = 'insert into warned values ($1)';

  test.each([
    ['the ORM’s commit', () => transact(open.database, (tx) => tx.rows(INTO_WARNED, ['one']))],
    [
      'a commit after the last statement',
      () => transact(open.database, (tx) => tx.lastRows(INTO_WARNED, ['two'])),
    ],
    ['a statement of its own', () => open.database.rows(INTO_WARNED, ['three'])],
  ])('leaves %s a success, and its session in use', async (_what, commit) => {
    const before = await pid();

    const rows = await commit();

    expect(rows).toEqual([]);
    expect(await pid()).toBe(before);
  });
});
