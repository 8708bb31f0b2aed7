import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import { allowLongStatements } from '../../src/postgres/long-statements.ts';
import { transact, type Transaction } from '../../src/postgres/transaction.ts';
import {
  createTestDatabase,
  openTestShop,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';
import { statementsOf } from '../support/statement-log.ts';

let database: TestDatabase;
let server: TestShop;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await openTestShop(database.url);
  await server.database.rows('create table notes (text text primary key)', []);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database.drop();
});

const INSERT = 'insert into notes values ($1) returning text';

const insert = (tx: Transaction, text: string) => tx.rows<{ text: string }>(INSERT, [text]);

const isKept = async (text: string): Promise<boolean> =>
  (await server.database.rows('select from notes where text = $1', [text])).length === 1;

test('a transaction that does nothing sends nothing', async () => {
  await transact(server.database, async () => {});

  const sent = await statementsOf(() => transact(server.database, async () => {}));

  expect(sent).toEqual([]);
});

test('statements asked for together run in their order, each seeing what those before it did', async () => {
  const [, counted] = await transact(server.database, (tx) =>
    Promise.all([
      insert(tx, 'first'),
      tx.rows<{ n: string }>('select count(*) as n from notes where text = $1', ['first']),
    ]),
  );

  expect(Number(counted[0]!.n)).toBe(1);
});

test('a last statement has its commit sent behind it, and the ORM sends no other', async () => {
  const sent = await statementsOf(() =>
    transact(server.database, (tx) => tx.lastRows(INSERT, ['last'])),
  );

  expect(sent).toEqual(['start transaction isolation level read committed', INSERT, 'commit']);
  expect(await isKept('last')).toBe(true);
});

test('a last statement that fails undoes all before it, and its own error is told', async () => {
  await transact(server.database, (tx) => insert(tx, 'taken'));

  const undone = transact(server.database, async (tx) => {
    await insert(tx, 'before the failure');
    await tx.lastRows(INSERT, ['taken']);
  });

  await expect(undone).rejects.toMatchObject({ code: '23505' });
  expect(await isKept('before the failure')).toBe(false);
});

test('a statement sent behind a failed one fails for its reason', async () => {
  let reason: unknown;
  const failed = transact(server.database, async (tx) => {
    const dividing = tx.rows('select 1 / $1::int', [0]);
    reason = await insert(tx, 'behind the failure').catch((error: unknown) => error);
    await dividing;
  });

  await expect(failed).rejects.toThrow('division by zero');
  expect(reason).toMatchObject({ message: 'division by zero' });
});

test('a commit after a failure that nobody minded is no commit', async () => {
  const swallowed = transact(server.database, async (tx) => {
    await insert(tx, 'swallowed');
    await tx.rows('select 1 / $1::int', [0]).catch(() => {});
  });

  await expect(swallowed).rejects.toThrow('The transaction was undone');
  expect(await isKept('swallowed')).toBe(false);
});

test('a session lost while its last statement and commit are under way leaves the outcome unknown', async () => {
  const lost = transact(server.database, (tx) =>
    tx.lastRows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]),
  );

  await expect(lost).rejects.toThrow(UnavailableFault);
  await expect(lost).rejects.toThrow('the outcome is unknown');
});

test('a session lost before its commit is known to have done nothing', async () => {
  const lost = transact(server.database, (tx) =>
    tx.rows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]),
  );

  await expect(lost).rejects.toThrow('The database is away; nothing was done.');
});

test('a lost session leaves its place in the pool to another', async () => {
  await using alone = await openTestShop(database.url, { poolMax: 1 });
  const lose = (tx: Transaction) =>
    tx.rows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]);

  await expect(transact(alone.database, lose)).rejects.toThrow(UnavailableFault);
  await transact(alone.database, (tx) => insert(tx, 'in its place'));

  expect(await isKept('in its place')).toBe(true);
});

test('a database that is frozen is given up, and its session is not used again', async () => {
  const frozen = transact(server.database, async (tx) => {
    const [session] = await tx.rows<{ pid: number }>('select pg_backend_pid() as pid', []);
    process.kill(session!.pid, 'SIGSTOP');
    try {
      await insert(tx, 'frozen');
    } finally {
      process.kill(session!.pid, 'SIGCONT');
    }
  });

  await expect(frozen).rejects.toThrow(UnavailableFault);
  await transact(server.database, (tx) => insert(tx, 'thawed'));
  expect(await isKept('thawed')).toBe(true);
});

test('an announcement waits for the commit, and is not made of what was undone', async () => {
  const told: string[] = [];

  await transact(server.database, async (tx) => {
    tx.afterCommit(() => told.push('done'));
    await tx.lastRows(INSERT, ['announced']);
    expect(told).toEqual([]);
  });
  const undone = transact(server.database, async (tx) => {
    tx.afterCommit(() => told.push('undone'));
    await tx.lastRows(INSERT, ['announced']);
  });

  await expect(undone).rejects.toThrow('notes_pkey');
  expect(told).toEqual(['done']);
});

test('a patient transaction waits for a statement that any other would give up, and only that transaction does', async () => {
  await using alone = await openTestShop(database.url, { poolMax: 1 });
  const slow = 'select pg_backend_pid() as pid from pg_sleep($1)';

  const [patient] = await transact(alone.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<{ pid: number }>(slow, [3.2]);
  });
  const impatient = transact(alone.database, (tx) => tx.rows(slow, [3.2]));

  await expect(impatient).rejects.toThrow(BusyFault);
  expect(patient!.pid).toBeGreaterThan(0);
}, 20_000);
