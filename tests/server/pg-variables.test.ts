import {
  statusOf,
  ServerProcesses,
  buildServer,
  makeProductAt,
} from '../support/server-process.ts';

const WAIT_MS = 120_000;

/** Each of them would keep a session from the embedded database, or turn it read-only. */
const HOSTILE = {
  PGHOST: 'nowhere.invalid',
  PGPORT: '1',
  PGUSER: 'unknown_user',
  PGPASSWORD: 'wrong',
  PGDATABASE: 'nothing',
  PGSSLMODE: 'verify-full',
  PGSSLNEGOTIATION: 'direct',
  PGOPTIONS: '-c default_transaction_read_only=on',
  PGREPLICATION: 'database',
  PGCLIENT_ENCODING: 'LATIN1',
};

beforeAll(buildServer, WAIT_MS);

test(
  'PG* variables do not reach the embedded database, also with workers',
  async () => {
    const servers = new ServerProcesses();
    try {
      const server = servers.start({ ...HOSTILE, WORKERS: '2' });
      const url = await server.ready();

      expect(await statusOf(`${url}/readyz`)).toBe(200);
      expect(await makeProductAt(url, 3)).toEqual({ id: '4' });
    } finally {
      await servers.clear();
    }
  },
  WAIT_MS,
);
