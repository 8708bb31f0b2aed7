import { createLog } from '../../src/lib/log.ts';
import { CREATE_HOLD, send } from '../support/graphql-client.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { freePort } from '../support/server-process.ts';
import { startTestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';
import { admin } from '../support/test-postgres.ts';

/** A URL with these hosts, and the rest of a URL with one. */
function clusterUrl(url: string, hosts: readonly string[]): string {
  const { pathname } = new URL(url);
  return `postgres://shop:shop@${hosts.join(',')}${pathname}?target_session_attrs=read-write`;
}

const CREATE_ROLE = "create role shop superuser login password 'shop'";

const silent = createLog('silent', { write: () => {} });

const statusOf = async (url: string) => (await fetch(`${url}/readyz`)).status;

test('the sessions use the host that takes writes, and move after a failover without a restart', async () => {
  await using first = await OwnPostgres.start();
  await using second = await OwnPostgres.start();
  // Each cluster has a password of its own; a list of hosts has one role.
  for (const { url } of [first, second]) await admin(url, CREATE_ROLE);
  await second.restartAsStandby();
  const hosts = [second, first].map(({ url }) => new URL(url).host);
  const server = await startTestServer({ DATABASE_URL: clusterUrl(first.url, hosts), log: silent });
  try {
    const productId = await makeProduct(server.shop);
    const before = await send(server.url, CREATE_HOLD, { input: { productId: String(productId) } });

    await first.restartAsStandby();
    await until('unready', async () => (await statusOf(server.url)) === 503);
    await admin(second.url, 'select pg_promote()');
    await until('ready', async () => (await statusOf(server.url)) === 200);
    // The second cluster is no copy of the first: its own product shows which one answers.
    const onSecond = await makeProduct(server.shop);
    const after = await send(server.url, CREATE_HOLD, { input: { productId: String(onSecond) } });
    const [at] = await server.shop.database.rows<{ port: number }>(
      "select current_setting('port')::int as port",
      [],
    );

    expect(before.data.createHold.__typename).toBe('Hold');
    expect(after.data.createHold.__typename).toBe('Hold');
    expect(String(at!.port)).toBe(new URL(second.url).port);
  } finally {
    await server.stop();
  }
}, 60_000);

test('a list of which no host takes writes is refused at start, in one line', async () => {
  await using standby = await OwnPostgres.start();
  await admin(standby.url, CREATE_ROLE);
  await standby.restartAsStandby();
  const hosts = [new URL(standby.url).host, `127.0.0.1:${await freePort()}`];

  const start = startTestServer({ DATABASE_URL: clusterUrl(standby.url, hosts), log: silent });

  await expect(start).rejects.toThrow(/^DATABASE_URL cannot be used: none of the 2 hosts.*\.$/);
}, 60_000);
