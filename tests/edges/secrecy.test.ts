import { randomUUID } from 'node:crypto';
import type { Logger } from '../../src/platform/log.ts';
import {
  AS_ADMIN,
  ask,
  CREATE_HOLD,
  CREATE_ORDER,
  ORDER_QUERY,
  send,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { ADMIN_TOKEN, startTestServer } from '../support/server.ts';
import { makeProduct, openSession } from '../support/shop.ts';

const SECRET = `whsec_${Buffer.from('a webhook secret for this test only').toString('base64')}`;
const TOKEN_SECRET = 'a hold token secret for test servers, long enough';

/** Every table of the shop. */
const TABLES = [
  'products',
  'stock_levels',
  'stock_movements',
  'holds',
  'orders',
  'payment_events',
  'refunds',
];

/** A log that keeps every word of every level. */
function keepingLog(): { readonly log: Logger; readonly words: string[] } {
  const words: string[] = [];
  const keep = (facts: object, message: string): void => {
    const { err, ...rest } = facts as { err?: unknown };
    words.push(`${message} ${JSON.stringify(rest)} ${err instanceof Error ? err.stack : ''}`);
  };
  return { log: { debug: keep, info: keep, warn: keep, error: keep }, words };
}

test('no secret and no token is in any log line, and the database holds none that opens anything', async () => {
  const { log, words } = keepingLog();
  await using server = await startTestServer({ log, PAYMENT_WEBHOOK_SECRETS: SECRET });
  const { url, shop, databaseUrl } = server;
  const productId = String(await makeProduct(shop));
  const idempotencyKey = randomUUID();
  const input = { productId, idempotencyKey, quantity: 2 };

  const { token, orderId } = await ask(url, CREATE_HOLD, { input });
  await ask(url, CREATE_HOLD, { input });
  await send(url, CREATE_HOLD, { input: { ...input, quantity: 3 } });
  await ask(url, CREATE_ORDER, { token });
  const event = success(orderId);
  await deliver(url, event, { secret: SECRET });
  await deliver(url, event, { secret: SECRET });
  await deliver(url, success(orderId), { secret: SECRET });
  await deliver(url, event, { headers: { 'webhook-signature': 'v1,wrong' } });
  await send(url, '{ stockAudit(productId: "1") { balanced } }', {}, AS_ADMIN);
  await send(
    url,
    '{ stockAudit(productId: "1") { balanced } }',
    {},
    { authorization: 'Bearer wrong' },
  );
  await send(url, CREATE_HOLD, { input: { ...input, quantity: 'x' } });
  await send(url, ORDER_QUERY, { token: `${token}x` });

  await using session = await openSession(databaseUrl);
  const dump: string[] = [];
  for (const table of TABLES) {
    const { rows } = await session.query(`select row_to_json(t)::text as text from ${table} t`);
    dump.push(...rows.map((row: { text: string }) => row.text));
  }
  const signature = (token as string).split('.')[1]!;
  const secrets = [
    signature,
    idempotencyKey,
    SECRET.slice('whsec_'.length),
    ADMIN_TOKEN,
    TOKEN_SECRET,
  ];
  const leaked = (lines: readonly string[]) =>
    secrets.filter((secret) => lines.some((line) => line.includes(secret)));
  expect(words.length).toBeGreaterThan(2);
  expect(dump.length).toBeGreaterThan(5);
  expect(leaked(words)).toEqual([]);
  expect(leaked(dump)).toEqual([]);
});

test('of two fields of one name in a webhook the last one counts', async () => {
  await using server = await startTestServer();
  const orderId = randomUUID();

  const answer = await deliver(
    server.url,
    `{"payment_id":"p","order_id":"${orderId}","idempotency_key":"twice","status":"refunded","status":"success"}`,
  );

  expect(answer).toMatchObject({ status: 202, body: { outcome: 'parked' } });
});
