import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { makeProduct } from './operations.ts';
import { Screens } from './screens.ts';
import { Connections, startBenchServer, type BenchServer } from './server.ts';

const SCREENS = 1000;
const BUYERS = 12;

/** The result of the run. */
export interface Outcome {
  readonly screens: number;
  readonly survivors: number;
  readonly bought: number;
  readonly versions: number;
}

const HOLD = (productId: string) =>
  `mutation { createHold(input: { productId: "${productId}", customerId: "${randomUUID()}" }) { ... on Hold { token orderId } } }`;
const BY_TOKEN = (mutation: string, argument: string, token: string) =>
  `mutation { ${mutation}(${argument}: "${token}") { __typename } }`;

/** One of each operation that moves units. */
async function buy(connections: Connections, productId: string, turn: number): Promise<void> {
  const ask = async (query: string): Promise<string> =>
    (await connections.post('/graphql', JSON.stringify({ query }))).body;
  const [, token, orderId] =
    /"token":"([^"]+)","orderId":"([^"]+)"/.exec(await ask(HOLD(productId))) ?? [];
  if (token === undefined) throw new Error('A hold was refused.');
  if (turn % 4 === 0) return;
  if (turn % 4 === 1) return void (await ask(BY_TOKEN('releaseHold', 'token', token)));
  await ask(BY_TOKEN('createOrder', 'holdToken', token));
  if (turn % 4 === 2) return void (await ask(BY_TOKEN('cancelOrder', 'holdToken', token)));
  const event = {
    order_id: orderId,
    payment_id: `pay of ${orderId}`,
    status: 'success',
    idempotency_key: orderId,
  };
  await connections.post('/api/payments/webhook', JSON.stringify(event));
}

/**
 * A thousand screens over three servers on one database, under mixed load; every server's listening
 * session is killed twice, and one server once.
 *
 * @throws where a surviving screen does not end with the database's version, or a version decreases
 */
export async function overThreeServers(
  database: pg.Client,
  settings: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const servers = await Promise.all([1, 2, 3].map(() => startBenchServer(settings)));
  const [first, , last] = servers as [BenchServer, BenchServer, BenchServer];
  const productId = await makeProduct(first, 1_000_000);
  const screens = await Screens.open({
    urls: servers.map(({ url }) => url),
    count: SCREENS,
    productId,
    stalled: 0,
  });
  const alive = servers.map((server) => ({ server, connections: new Connections(server.url, 8) }));
  let goesOn = true;
  let bought = 0;
  const buyers = Array.from({ length: BUYERS }, async (_, number) => {
    for (let turn = number; goesOn; turn += 1) {
      const at = alive[turn % alive.length]!;
      await buy(at.connections, productId, turn).catch((error: unknown) => {
        if (alive.includes(at)) throw error;
      });
      bought += 1;
    }
  });

  for (let time = 0; time < 2; time += 1) {
    await delay(1500);
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flash-sale notices'",
    );
  }
  await delay(1500);
  alive.pop();
  process.kill(last.pid, 'SIGKILL');
  await delay(1500);
  goesOn = false;
  await Promise.all(buyers);

  const { rows } = await database.query<{ version: number }>(
    'select version from stock_levels where product_id = $1',
    [productId],
  );
  const version = rows[0]!.version;
  for (let attempt = 0; ; attempt += 1) {
    await delay(100);
    const { lastVersions, decreases } = await screens.count(0, []);
    if (decreases > 0) throw new Error(`${decreases} versions decreased.`);
    const survivors = lastVersions.filter((known) => known !== null);
    const behind = survivors.filter((known) => known !== version).length;
    if (behind > 0 && attempt > 100) throw new Error(`${behind} screens are not at ${version}.`);
    if (behind > 0) continue;
    await screens.close();
    for (const { connections } of alive) connections.close();
    await Promise.all(servers.map((server) => server.stop()));
    return { screens: SCREENS, survivors: survivors.length, bought, versions: version };
  }
}
