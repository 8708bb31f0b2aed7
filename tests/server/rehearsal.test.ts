import { jest } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Compared } from '../../src/rehearsal/report/compare.ts';
import type { RehearsalResult } from '../../src/rehearsal/report/result.ts';
import { midSale } from '../support/buyer.ts';
import { ROOT } from '../support/project.ts';
import { buildServer, builtProgram, worksIn } from '../support/server-process.ts';
import { createTestDatabase, openSession, openTestShop, until } from '../support/shop.ts';

jest.setTimeout(120_000);

beforeAll(buildServer);

/** The commands of a test run here. */
let folder: string;
/** Where they create temporary folders. */
let temporary: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-sale-rehearse-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  // As root the database runs as another user, who must be able to enter the folder.
  for (const path of [folder, temporary]) chmodSync(path, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** 50 buyers on 10 units, in some seconds. */
const SMALL =
  '--units 10 --buyers 50 --servers 2 --over 1 --think 0 --hold-seconds 1 --payment-seconds 1'.split(
    ' ',
  );

const program = (settings: Readonly<Record<string, string>>) =>
  builtProgram('cli', { TMPDIR: temporary, DATA_DIR: join(folder, 'data'), ...settings });

/** Runs `rehearse` as a shell would. */
function run(args: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const { path, env } = program(settings);
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(
      process.execPath,
      [path, 'rehearse', ...args],
      { cwd: folder, env },
      (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

/** Runs it with `--json`. @throws where it prints none */
async function rehearsed(args: readonly string[], settings?: Readonly<Record<string, string>>) {
  const { code, out, err } = await run([...SMALL, '--json', ...args], settings);
  if (out === '') throw new Error(err);
  return { code, result: JSON.parse(out) as RehearsalResult };
}

/** Processes that use the folder: the command, its servers and its database. */
const processes = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => worksIn(pid, folder));

const reports = (): string[] => readdirSync(join(folder, 'rehearsals')).toSorted();

test('50 buyers get 10 units, everyone else a reason, and nothing stays but the report', async () => {
  const { code, result } = await rehearsed(
    '--pay 100 --pay-late 0 --pay-twice 0 --pay-wrong 0'.split(' '),
  );

  expect(result.verdict).toMatchObject({ passed: true, findings: [] });
  expect(code).toBe(0);
  expect(result.final).toMatchObject({ audit: { balanced: true }, openRefunds: 0 });
  expect(result.final.stock).toMatchObject({ total: 10, held: 0, sold: result.endings.paid });
  expect(result.claimedMax).toBeLessThanOrEqual(10);
  expect(result.soldOutAtMs).toBeGreaterThan(0);
  expect(result.endings['sold out']).toBeGreaterThan(0);
  const refused = Object.values(result.reasons).reduce((sum, count) => sum + count, 0);
  expect(refused).toBe(result.endings['sold out']);
  const [html, json] = reports();
  expect(readFileSync(join(folder, 'rehearsals', html!), 'utf8')).not.toMatch(/\w+:\/\//);
  expect(JSON.parse(readFileSync(join(folder, 'rehearsals', json!), 'utf8'))).toMatchObject({
    verdict: result.verdict,
  });
  expect(processes()).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

test('payments that are late, twice or wrong open refunds that buyers see', async () => {
  const { result } = await rehearsed(
    '--order 100 --close-tab 0 --units 30 --pay 0 --pay-late 30 --pay-twice 40 --pay-wrong 30'.split(
      ' ',
    ),
  );

  expect(result.verdict).toMatchObject({ passed: true });
  const { refunds, openRefunds } = result.payments;
  expect(Object.keys(refunds)).toEqual(
    expect.arrayContaining(['AMOUNT_MISMATCH', 'DUPLICATE_PAYMENT']),
  );
  expect(Object.values(refunds).reduce((sum, count) => sum + count, 0)).toBe(openRefunds);
});

test('a rehearsal passes under every fault, and its report lists them', async () => {
  const faults = ['kill', 'lock', 'slow'].flatMap((kind) => ['--fault', `${kind}@0.2`]);
  const { result } = await rehearsed([...faults, '--set', 'DATABASE_POOL_MAX=4']);

  expect(result.verdict).toMatchObject({ passed: true, findings: [] });
  expect(result.faults.map(({ text }) => text)).toEqual([
    expect.stringContaining('was killed'),
    expect.stringContaining('locked the stock row'),
    expect.stringContaining('took 25 ms longer'),
  ]);
  expect(result.refusals).toHaveProperty('BUSY');
  expect(result.options.settings).toEqual({ DATABASE_POOL_MAX: '4' });
});

test('on the PostgreSQL of DATABASE_URL the live tables stay as they are, and the new database is removed', async () => {
  const database = await createTestDatabase();
  try {
    const live = await openTestShop(database.url);
    await midSale(live.shop);
    const before = await contentOf(database.url);
    const { result } = await rehearsed(['--own-database'], { DATABASE_URL: database.url });

    expect(result.verdict).toMatchObject({ passed: true });
    expect(await contentOf(database.url)).toEqual(before);
    expect(before.holds.length).toBeGreaterThan(0);
    expect(await scratchDatabases(database.url)).toEqual([]);
    await live[Symbol.asyncDispose]();
  } finally {
    await database.drop();
  }
});

test('Ctrl-C ends a rehearsal with its servers and databases, embedded or not', async () => {
  const database = await createTestDatabase();
  try {
    for (const args of [[], ['--own-database']]) {
      const { path, env } = program({ DATABASE_URL: database.url });
      const long = ['rehearse', ...SMALL, '--over', '600', ...args];
      const child = spawn(process.execPath, [path, ...long], { cwd: folder, env, stdio: 'ignore' });
      const exited = once(child, 'exit');
      await until('the servers', async () => (await openPorts()).length === 2, 60_000);
      child.kill('SIGINT');

      expect(await exited).toEqual([130, null]);
      expect(processes()).toEqual([]);
      expect(readdirSync(temporary)).toEqual([]);
      expect(await scratchDatabases(database.url)).toEqual([]);
    }
  } finally {
    await database.drop();
  }
});

test('a rehearsal that is killed leaves no process behind', async () => {
  const { path, env } = program({});
  const long = ['rehearse', ...SMALL, '--over', '600'];
  const child = spawn(process.execPath, [path, ...long], { cwd: folder, env, stdio: 'ignore' });
  const exited = once(child, 'exit');
  await until('the servers', async () => (await openPorts()).length === 2, 60_000);
  child.kill('SIGKILL');
  await exited;

  await until('no process', () => processes().length === 0, 30_000);
});

test('two rehearsals are compared from their files, and a wrong file is named', async () => {
  const inTree = join(ROOT, 'docs/rehearsal/report.json');
  await rehearsed(['--set', 'HOLD_BATCH_MAX=20']);
  const own = join(
    'rehearsals',
    reports().find((name) => name.endsWith('.json'))!,
  );
  const compared = await run(['--json', '--compare', inTree, own]);
  const rows = JSON.parse(compared.out) as Compared[];

  expect(rows).toContainEqual(
    expect.objectContaining({ what: 'option buyers', first: '10000', second: '50' }),
  );
  expect(rows).toContainEqual(
    expect.objectContaining({ what: 'option HOLD_BATCH_MAX', first: '-', second: '"20"' }),
  );
  expect(reports()).toContain('comparison.html');
  expect(await run(['--compare', own])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--compare needs two files.'),
  });
  expect(await run(['--compare', own, 'rehearsals/comparison.html'])).toMatchObject({
    code: 1,
    err: 'rehearsals/comparison.html is not JSON.\n',
  });
});

test.each([
  [['--units', '0'], 'It must be 1 to 10000000.'],
  [['--buyers', 'ten'], 'It must be a whole number.'],
  [['--pay', '101'], 'It must be 0 to 100.'],
  [['--arrival', 'slowly'], 'Allowed choices are at-once, ramp, burst.'],
  [['--fault', 'fire@3'], 'It must be one of kill, lock, slow, for example kill@5.'],
  [['--fault', 'kill'], 'for example kill@5.'],
  [['--set', 'POOL'], 'It must be NAME=value.'],
  [['--set', 'PORT=1'], '--set PORT: a rehearsal decides this setting.'],
  [['--pay', '99'], 'add up to 107 %, more than 100 %.'],
  [['--own-database'], '--own-database needs DATABASE_URL.'],
])('the option %j is a usage error that says why', async (args, message) => {
  const { code, err } = await run(args);

  expect(err).toContain(message);
  expect(code).toBe(2);
});

test.each([
  [['--price', '1.999'], '1.999'],
  [['--set', 'HOLD_BATCH_MAX=0'], 'HOLD_BATCH_MAX'],
])('%j fails with the complaint of the server, and leaves nothing behind', async (args, word) => {
  const { code, out, err } = await run([...SMALL, ...args]);

  expect(err).toContain(word);
  expect([code, out]).toEqual([1, '']);
  expect(processes()).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

/** The ports of this test's server processes that accept connections. */
async function openPorts(): Promise<string[]> {
  const answers = processes().map(async (pid) => {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const port = environment.find((line) => line.startsWith('PORT='))?.slice(5);
    if (port === undefined) return [];
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    return response.status === 200 ? [port] : [];
  });
  return (await Promise.all(answers.map((answer) => answer.catch(() => [])))).flat();
}

/** The rows of the live tables that a sale changes. */
async function contentOf(url: string) {
  await using session = await openSession(url);
  const rows = async (table: string) =>
    (await session.query<object>(`select * from ${table} order by 1, 2`)).rows;
  return {
    products: await rows('products'),
    levels: await rows('stock_levels'),
    movements: await rows('stock_movements'),
    holds: await rows('holds'),
    orders: await rows('orders'),
    events: await rows('shop_events'),
  };
}

async function scratchDatabases(url: string): Promise<unknown[]> {
  await using session = await openSession(url);
  const { rows } = await session.query(
    `select datname from pg_database where datname like 'flash_sale_rehearsal%'`,
  );
  return rows;
}
