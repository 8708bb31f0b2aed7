import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { HoldTokens } from '../../src/shop/purchases/hold-token.ts';
import { isUuid } from '../../src/lib/ids.ts';
import type { Logger } from '../../src/lib/log.ts';
import {
  AS_ADMIN,
  ask,
  CREATE_HOLD,
  CREATE_ORDER,
  ORDER_QUERY,
  send,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { ADMIN_TOKEN, HOLD_TOKEN_SECRET, startTestServer } from '../support/server.ts';
import { makeProduct, openSession, until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

const SECRET = `whsec_${Buffer.from('a webhook secret for this test only').toString('base64')}`;

/** A log that keeps every word of every level, and all that an error carries. */
function keepingLog(): { readonly log: Logger; readonly words: string[] } {
  const words: string[] = [];
  const keep = (facts: object, message: string): void => {
    const { err, ...rest } = facts as { err?: unknown };
    words.push(`${message} ${JSON.stringify(rest)} ${inspect(err, { depth: null })}`);
  };
  return { log: { debug: keep, info: keep, warn: keep, error: keep }, words };
}

/** Every value of every column of every table, as text. */
async function dumpOf(databaseUrl: string): Promise<string[]> {
  await using session = await openSession(databaseUrl);
  const { rows: tables } = await session.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const values: string[] = [];
  for (const { name } of tables) {
    const { rows } = await session.query<{ value: string | null }>(
      `select value from ${name} t, jsonb_each_text(to_jsonb(t))`,
    );
    values.push(...rows.flatMap(({ value }) => value ?? []));
  }
  return values;
}

/** An attack with a database dump: each value as a token, and as the signature of an id. */
function tokensIn(dump: readonly string[]): string[] {
  const ids = [...new Set(dump.filter(isUuid))];
  const signatures = new Set([
    ...dump,
    ...dump.flatMap((value) => value.match(/[\w-]{20,}/g) ?? []),
  ]);
  return [...signatures].flatMap((value) => [value, ...ids.map((id) => `${id}.${value}`)]);
}

test('no log line has a secret or a token, and the database stores none that gives access', async () => {
  const { log, words } = keepingLog();
  await using server = await startTestServer({ log, PAYMENT_WEBHOOK_SECRETS: SECRET });
  const { url, shop, databaseUrl } = server;
  const productId = String(await makeProduct(shop));
  const idempotencyKey = randomUUID();
  const operatorsKey = randomUUID();
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
  const adjust = { input: { productId, delta: 1, reason: 'more', idempotencyKey: operatorsKey } };
  await send(url, ADJUST_STOCK, adjust, AS_ADMIN);
  await send(url, ADJUST_STOCK, adjust, { authorization: `Bearer ${ADMIN_TOKEN}x` });
  await send(url, ADJUST_STOCK, adjust, { authorization: `Bearer ${token}` });
  await send(url, CREATE_HOLD, { input: { ...input, quantity: 'x' } });
  await send(url, CREATE_HOLD, { input: { ...input, idempotencyKey: `${idempotencyKey}\0` } });
  await send(url, ORDER_QUERY, { token: `${token}x` });
  await send(url, `{ hold(token: "${token}") { unknown } }`);
  await using socket = await openSocket(server.socketUrl);
  const watched = 'subscription ($token: String!) { holdChanged(token: $token) { id } }';
  const received = [token, `${token}x`].map((given) => socket.subscribe(watched, { token: given }));
  await until('both streams to end', () => received.every(({ ended }) => ended));

  const dump = await dumpOf(databaseUrl);
  const signature = (token as string).split('.')[1]!;
  const secrets = [
    signature,
    idempotencyKey,
    operatorsKey,
    SECRET.slice('whsec_'.length),
    ADMIN_TOKEN,
    HOLD_TOKEN_SECRET,
  ];
  const leaked = (lines: readonly string[]) =>
    secrets.filter((secret) => lines.some((line) => line.includes(secret)));
  const holdTokens = new HoldTokens([HOLD_TOKEN_SECRET]);
  const tried = tokensIn(dump);
  expect(words.length).toBeGreaterThan(2);
  expect(dump.length).toBeGreaterThan(50);
  expect(leaked(words)).toEqual([]);
  expect(leaked(dump)).toEqual([]);
  expect(holdTokens.holdIdOf(token)).toBeDefined();
  expect(tried.length).toBeGreaterThan(100);
  expect(tried.filter((value) => holdTokens.holdIdOf(value) !== undefined)).toEqual([]);
});

const ADJUST_STOCK =
  'mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename } }';

test('of two webhook fields with one name the last one counts', async () => {
  await using server = await startTestServer();
  const orderId = randomUUID();

  const answer = await deliver(
    server.url,
    `{"payment_id":"p","order_id":"${orderId}","idempotency_key":"twice","status":"refunded","status":"success"}`,
  );

  expect(answer).toMatchObject({ status: 202, body: { outcome: 'parked' } });
});
