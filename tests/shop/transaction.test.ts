import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import { allowLongStatements, transact, type Transaction } from '../../src/postgres/transaction.ts';
import { openTestShop, useShop } from '../support/shop.ts';
import { statementsOf } from '../support/statement-log.ts';

const server = useShop();

beforeAll(async () => {
  await server.database.rows('create table notes (text text primary key)', []);
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

test('statements sent together run in order, each after the effects of those before it', async () => {
  const [, counted] = await transact(server.database, (tx) =>
    Promise.all([
      insert(tx, 'first'),
      tx.rows<{ n: string }>('select count(*) as n from notes where text = $1', ['first']),
    ]),
  );

  expect(Number(counted[0]!.n)).toBe(1);
});

test('the commit travels behind the last statement, and no other is sent', async () => {
  const sent = await statementsOf(() =>
    transact(server.database, (tx) => tx.lastRows(INSERT, ['last'])),
  );

  expect(sent).toEqual(['begin isolation level read committed', INSERT, 'commit']);
  expect(await isKept('last')).toBe(true);
});

test('a last statement that fails rolls back all before it, and its own error is thrown', async () => {
  await transact(server.database, (tx) => insert(tx, 'taken'));

  const undone = transact(server.database, async (tx) => {
    await insert(tx, 'before the failure');
    await tx.lastRows(INSERT, ['taken']);
  });

  await expect(undone).rejects.toMatchObject({ code: '23505' });
  expect(await isKept('before the failure')).toBe(false);
});

test('a statement sent after a failed one fails with the error of the first', async () => {
  let reason: unknown;
  const failed = transact(server.database, async (tx) => {
    const dividing = tx.rows('select 1 / $1::int', [0]);
    reason = await insert(tx, 'after the failure').catch((error: unknown) => error);
    await dividing;
  });

  await expect(failed).rejects.toThrow('division by zero');
  expect(reason).toMatchObject({ message: 'division by zero' });
});

test('a commit after an ignored failure is a fault', async () => {
  const swallowed = transact(server.database, async (tx) => {
    await insert(tx, 'swallowed');
    await tx.rows('select 1 / $1::int', [0]).catch(() => {});
  });

  await expect(swallowed).rejects.toThrow('The transaction was undone');
  expect(await isKept('swallowed')).toBe(false);
});

test('a session lost during its last statement and commit leaves the outcome unknown', async () => {
  const lost = transact(server.database, (tx) =>
    tx.lastRows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]),
  );

  await expect(lost).rejects.toThrow(UnavailableFault);
  await expect(lost).rejects.toThrow('the outcome is unknown');
});

test('a session lost before its commit has changed nothing', async () => {
  const lost = transact(server.database, (tx) =>
    tx.rows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]),
  );

  await expect(lost).rejects.toThrow('The database is away; nothing was done.');
});

test('a lost session frees its place in the pool', async () => {
  await using alone = await openTestShop(server.url, { poolMax: 1 });
  const lose = (tx: Transaction) =>
    tx.rows('select pg_terminate_backend(pg_backend_pid(), $1)', [0]);

  await expect(transact(alone.database, lose)).rejects.toThrow(UnavailableFault);
  await transact(alone.database, (tx) => insert(tx, 'in its place'));

  expect(await isKept('in its place')).toBe(true);
});

test('a statement on a frozen database times out, and its session is dropped', async () => {
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

test('an announcement waits for the commit, and is dropped on a rollback', async () => {
  const run: string[] = [];

  await transact(server.database, async (tx) => {
    tx.afterCommit(() => run.push('done'));
    await tx.lastRows(INSERT, ['announced']);
    expect(run).toEqual([]);
  });
  const undone = transact(server.database, async (tx) => {
    tx.afterCommit(() => run.push('undone'));
    await tx.lastRows(INSERT, ['announced']);
  });

  await expect(undone).rejects.toThrow('notes_pkey');
  expect(run).toEqual(['done']);
});

test('a transaction with a longer timeout waits for a slow statement, and only that transaction does', async () => {
  await using alone = await openTestShop(server.url, { poolMax: 1 });
  const slow = 'select pg_backend_pid() as pid from pg_sleep($1)';

  const [patient] = await transact(alone.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<{ pid: number }>(slow, [3.2]);
  });
  const impatient = transact(alone.database, (tx) => tx.rows(slow, [3.2]));

  await expect(impatient).rejects.toThrow(BusyFault);
  expect(patient!.pid).toBeGreaterThan(0);
}, 20_000);
