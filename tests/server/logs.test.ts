import { createLog, type Logger } from '../../src/lib/log.ts';
import { asRequest } from '../../src/lib/ids.ts';
import { AS_ADMIN, ask, CREATE_HOLD, CREATE_ORDER, send } from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer } from '../support/server.ts';
import { makeProduct, moveClock, until } from '../support/shop.ts';

/** One line of the log as it was written. */
type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

/** The server's own log, its lines kept. */
function keepingLog(level: string): {
  readonly log: Logger;
  lines(message: string): Line[];
  readonly text: () => string;
} {
  const written: string[] = [];
  const log = createLog(level, { write: (line) => void written.push(line) });
  return {
    log,
    lines: (message) =>
      written.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === message),
    text: () => written.join(''),
  };
}

test('each step of a purchase is logged with the request id of its answer, without tokens', async () => {
  const kept = keepingLog('debug');
  await using server = await startTestServer({ log: kept.log });
  const { url } = server;
  const productId = await makeProduct(server.shop);

  const held = await send(url, CREATE_HOLD, { input: { productId: String(productId) } });
  const { token, id: holdId, orderId } = held.data.createHold;
  const ordered = await send(url, CREATE_ORDER, { token });
  await send(url, CREATE_ORDER, { token });
  const event = success(orderId);
  const paid = await deliver(url, event);
  const again = await deliver(url, event);

  const idOf = (answer: { headers: Headers }) => answer.headers.get('x-request-id');
  expect(idOf(held)).toMatch(/^[0-9a-f-]{36}$/);
  expect(kept.lines('Hold created successfully')).toEqual([
    expect.objectContaining({
      level: 'debug',
      requestId: idOf(held),
      holdId,
      productId,
      quantity: 1,
    }),
  ]);
  expect(kept.lines('Order created successfully')).toEqual([
    expect.objectContaining({ level: 'info', requestId: idOf(ordered), orderId, holdId }),
  ]);
  const ofEvent = (requestId: unknown) =>
    expect.objectContaining({
      level: 'info',
      requestId,
      orderId,
      provider: 'payments',
      status: 200,
    });
  expect(kept.lines('Webhook processed successfully')).toEqual([
    ofEvent(paid.headers['x-request-id']),
  ]);
  expect(kept.lines('Duplicate webhook received')).toEqual([
    ofEvent(again.headers['x-request-id']),
  ]);
  expect(paid.headers['x-request-id']).not.toBe(again.headers['x-request-id']);
  expect(kept.text()).not.toContain(token.split('.')[1]);
});

test('simultaneous requests are in the log and in the audit log under their own ids', async () => {
  const kept = keepingLog('debug');
  await using server = await startTestServer({ log: kept.log });
  const productId = String(await makeProduct(server.shop, { totalStock: 100 }));
  const idsOf = (answers: readonly { headers: Headers }[]) =>
    answers.map(({ headers }) => headers.get('x-request-id'));

  const held = await Promise.all(
    Array.from({ length: 20 }, () => send(server.url, CREATE_HOLD, { input: { productId } })),
  );
  const adjusted = await Promise.all(
    Array.from({ length: 20 }, () => send(server.url, ADJUST, { productId }, AS_ADMIN)),
  );
  const recorded = await server.database.rows<{ id: string }>(
    "select request_id as id from operator_acts where act = 'adjustStock'",
    [],
  );

  const logged = kept.lines('Hold created successfully');
  const loggedAs = (id: string) => logged.find(({ holdId }) => holdId === id)!['requestId'];
  expect(held.map(({ data }) => loggedAs(data.createHold.id))).toEqual(idsOf(held));
  expect(recorded).toHaveLength(20);
  expect(new Set(recorded.map(({ id }) => id))).toEqual(new Set(idsOf(adjusted)));
});

const ADJUST = `mutation ($productId: ID!) {
  adjustStock(input: { productId: $productId, delta: 1, reason: "more came" }) { __typename } }`;

test('a sweep that ended rows logs at info, with an id of its run', async () => {
  const kept = keepingLog('info');
  await using server = await startTestServer({ log: kept.log });
  const productId = String(await makeProduct(server.shop));
  await ask(server.url, CREATE_HOLD, { input: { productId } });

  await moveClock(server.database, 121_000);
  const [line] = await until('the sweep', () => {
    const lines = kept.lines('Hold expiry job completed');
    return lines.length > 0 && lines;
  });

  expect(line).toMatchObject({
    ended: 1,
    skipped: 0,
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test('a fact that is not on the list is not logged', () => {
  const kept = keepingLog('info');
  const facts = { orderId: 'an order', token: 'secret', authorization: 'secret', headers: {} };

  asRequest('a request', () => kept.log.info(facts, 'A fact or two'));

  expect(kept.lines('A fact or two')).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      requestId: 'a request',
      orderId: 'an order',
      msg: 'A fact or two',
    },
  ]);
});

test('an error is logged with its message and place, without its values', () => {
  const kept = keepingLog('info');
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    constraint: 'holds_key',
    detail: 'Key (key)=(secret) already exists.',
    parameters: ['secret'],
  });

  kept.log.error({ err: new Error('It failed', { cause }) }, 'An operation failed unexpectedly');

  const [{ err }] = kept.lines('An operation failed unexpectedly') as [Line];
  expect(err).toMatchObject({
    type: 'Error',
    message: 'It failed',
    stack: expect.stringContaining('logs.test'),
    cause: { message: 'duplicate key', code: '23505', constraint: 'holds_key' },
  });
  expect(kept.text()).not.toContain('secret');
});

test('a line outside of requests has no id', () => {
  const kept = keepingLog('info');

  kept.log.info({}, 'No request');

  expect(kept.lines('No request')[0]).not.toHaveProperty('requestId');
});
