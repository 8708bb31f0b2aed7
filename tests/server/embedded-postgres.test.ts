import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import {
  EmbeddedPostgresInUse,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/postgres/embedded/embedded-postgres.ts';

const WAIT_MS = 20_000;

let dataDir: string;
let running: EmbeddedPostgres[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-postgres-'));
  // As root the postgres user must get in: mkdtemp makes a folder for its maker only.
  chmodSync(dataDir, 0o755);
});

afterEach(async () => {
  await Promise.all(running.map((database) => database.stop()));
  running = [];
  rmSync(dataDir, { recursive: true, force: true });
});

test(
  'a database starts, keeps its data over a restart, and leaves no process when stopped',
  async () => {
    const first = await start({ databaseName: 'a shop' });
    await run(first.url, "create table note as select 'kept' as text");
    await first.stop();
    await first.stop();
    expect(processesNamingDataDir()).toEqual([]);

    const second = await start({ databaseName: 'a shop' });

    expect(await run(second.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    expect(second.folder).toBe(join(dataDir, 'pg'));
  },
  WAIT_MS,
);

test(
  'the database is UTF-8, sorts by code point, listens on loopback only and requires a password',
  async () => {
    const { url } = await start({ durable: true });

    const [settings] = await run(
      url,
      `select current_setting('server_encoding') as encoding, current_setting('listen_addresses') as listen,
              current_setting('max_connections')::int as connections, current_setting('fsync') as fsync,
              datlocprovider as provider, datlocale as locale
         from pg_database where datname = current_database()`,
    );
    const withoutPassword = run(url.replace(/:[^:@]+@/, ':wrong@'), 'select 1');

    expect(settings).toEqual({
      encoding: 'UTF8',
      listen: '127.0.0.1',
      connections: 200,
      fsync: 'on',
      provider: 'b',
      locale: 'C.UTF-8',
    });
    await expect(withoutPassword).rejects.toThrow('password authentication failed');
  },
  WAIT_MS,
);

test(
  'a second start on the folder of a running server is refused with its name, and does not affect the first',
  async () => {
    const first = await start();

    const asked = Date.now();
    const second = start();

    await expect(second).rejects.toThrow(EmbeddedPostgresInUse);
    await expect(second).rejects.toMatchObject({ folder: first.folder, ownerPid: process.pid });
    expect(Date.now() - asked).toBeLessThan(3_000);
    expect(await run(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  },
  WAIT_MS,
);

test(
  'of two simultaneous starts on an empty folder one is refused',
  async () => {
    const outcomes = await Promise.allSettled([start(), start()]);

    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(won).toHaveLength(1);
    expect(lost.map((outcome) => outcome.reason)).toEqual([expect.any(EmbeddedPostgresInUse)]);
  },
  WAIT_MS,
);

test(
  'a killed server leaves no database running, and the next start has its committed data',
  async () => {
    const { server, url } = await serverInAnotherProcess();
    await run(url, "create table note as select 'committed' as text");

    server.kill('SIGKILL');
    await until(() => processesNamingDataDir().length === 0);
    const next = await start();

    expect(await run(next.url, 'select text from note')).toEqual([{ text: 'committed' }]);
  },
  WAIT_MS,
);

test(
  'a start right after a kill waits for the end of the old database',
  async () => {
    const { server, url } = await serverInAnotherProcess();
    await run(url, "create table note as select 'committed' as text");

    server.kill('SIGKILL');
    const next = await start();

    expect(await run(next.url, 'select text from note')).toEqual([{ text: 'committed' }]);
  },
  WAIT_MS,
);

test(
  'a server killed during initdb leaves a folder that the next start can use',
  async () => {
    const { server } = await serverInAnotherProcess({ untilReady: false });
    await until(() => readdirSync(dataDir).some((name) => name.startsWith('pg.unfinished-')));

    server.kill('SIGKILL');
    const next = await start();

    expect(await run(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  },
  WAIT_MS,
);

test(
  'a database whose processes were all killed starts again with its committed data',
  async () => {
    const { server, url } = await serverInAnotherProcess();
    await run(url, "create table note as select 'committed' as text");

    for (const pid of processesNamingDataDir()) process.kill(pid, 'SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    const next = await start();

    expect(await run(next.url, 'select text from note')).toEqual([{ text: 'committed' }]);
  },
  WAIT_MS,
);

test(
  'a start that PostgreSQL refuses reports its message',
  async () => {
    const refused = start({ flags: ['-c', 'shared_buffers=a-lot'] });

    await expect(refused).rejects.toThrow('invalid value for parameter "shared_buffers"');
    expect(processesNamingDataDir()).toEqual([]);
  },
  WAIT_MS,
);

async function start(
  options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {},
): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dataDir, durable: false, ...options });
  running.push(database);
  return database;
}

async function run(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/**
 * A server as another process, which can be killed. It is durable, because its durability is tested.
 */
async function serverInAnotherProcess({ untilReady = true } = {}): Promise<{
  readonly server: ChildProcess;
  readonly url: string;
}> {
  const module = new URL('../../src/postgres/embedded/embedded-postgres.ts', import.meta.url).href;
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(module)};
    console.log((await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} })).url);
  `;
  const server = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!untilReady) return { server, url: '' };
  const [line] = (await once(server.stdout!, 'data')) as [Buffer];
  return { server, url: line.toString().trim() };
}

/** Servers, keepers and postmasters of this test: each has the folder in its command line. */
function processesNamingDataDir(): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dataDir);
    } catch {
      return false;
    }
  });
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error('It did not come about within 10 s.');
    await delay(5);
  }
}
