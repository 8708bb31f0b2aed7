import { createLog } from '../../src/lib/log.ts';
import { hold } from '../support/buyer.ts';
import { ask, CREATE_HOLD } from '../support/graphql-client.ts';
import { startTestServer } from '../support/server.ts';
import { createTestDatabase, makeProduct, openSession, until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

const WATCH = `subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { availableStock } }`;

/** A role that may do all that a server does but notify: as behind a pooler, nothing arrives. */
async function roleWithoutNotify(databaseUrl: string) {
  await using session = await openSession(databaseUrl);
  const role = `seller_${crypto.randomUUID().replaceAll('-', '')}`;
  await session.query(`create role ${role} login password 'seller'`);
  await session.query(`grant all on schema public to ${role}`);
  await session.query(`grant all on all tables in schema public to ${role}`);
  await session.query(`grant all on all sequences in schema public to ${role}`);
  await session.query('revoke execute on function pg_notify(text, text) from public');
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = 'seller';
  return { url: url.toString(), role };
}

test('without change notifications a server is ready, sells, and reads live stock each second', async () => {
  const database = await createTestDatabase();
  const { url, role } = await roleWithoutNotify(database.url);
  const lines: string[] = [];
  const log = createLog('warn', { write: (line) => void lines.push(line) });
  const server = await startTestServer({ DATABASE_URL: url, log });
  // Another server's shop, which may not notify either.
  const { shop } = server;
  const productId = await makeProduct(shop);
  const socket = await openSocket(server.socketUrl);
  const watching = socket.subscribe<{ availableStock: number }>(WATCH, {
    ids: [String(productId)],
  });
  await until('the first state', () => watching.values.length > 0);
  const readiness = async () => (await fetch(`${server.url}/readyz`)).status;
  const isReceiving = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return /^flashsale_change_notifications_up (\d)$/m.exec(text)![1] === '1';
  };

  const ready = new Set<number>();
  await until('the log line', async () => {
    ready.add(await readiness());
    return lines.some((line) => line.includes('Change notifications are interrupted'));
  });
  const before = await isReceiving();
  await hold(shop, productId);
  await until('the change of another server', () => watching.values.length > 1);
  const bought = await ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });
  ready.add(await readiness());
  {
    await using session = await openSession(database.url);
    await session.query(`grant execute on function pg_notify(text, text) to ${role}`);
  }
  await until('notifications', isReceiving);

  expect(before).toBe(false);
  expect(bought.__typename).toBe('Hold');
  expect(ready).toEqual(new Set([200]));
  expect(lines.filter((line) => line.includes('interrupted'))).toHaveLength(1);

  await socket[Symbol.asyncDispose]();
  await server.stop();
  {
    await using session = await openSession(database.url);
    await session.query(`drop owned by ${role}`);
    await session.query(`drop role ${role}`);
  }
  await database.drop();
}, 30_000);
