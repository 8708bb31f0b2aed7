import { randomUUID } from 'node:crypto';
import { createHolds } from '../../src/shop/purchases/create-hold.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { ask, codeOf, hold, order, tokenOf } from '../support/buyer.ts';
import { findingsOf, makeProduct, moveClock, stockOf, useShop } from '../support/shop.ts';
import { statementsOf } from '../support/statement-log.ts';

const server = useShop();

afterEach(() => moveClock(server.database, 0));

const count = <T>(list: readonly T[], value: T): number =>
  list.filter((one) => one === value).length;

test('25 buyers of 20 units get 20 holds and 5 refusals', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 20 });

  const answers = await Promise.all(Array.from({ length: 25 }, () => ask(shop, productId)));

  const codes = answers.map(codeOf);
  expect(count(codes, 'OK')).toBe(20);
  expect(count(codes, 'INSUFFICIENT_STOCK')).toBe(5);
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a batch of 25 is one transaction of five statements, and one more when due units are reclaimed', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 25 });
  const batch = Array.from({ length: 25 }, (_, position) => ({
    quantity: 1,
    customerId: `customer ${position}`,
    metadata: {},
    keyHash: randomUUID(),
  }));

  const first = await statementsOf(() => createHolds(shop, productId, batch));
  await moveClock(server.database, 130_000);
  const fresh = batch.map((request) => ({ ...request, keyHash: randomUUID() }));
  const second = await statementsOf(() => createHolds(shop, productId, fresh));

  expect(first).toEqual([
    'begin isolation level read committed',
    expect.stringMatching(/^select .* for update$/),
    expect.stringMatching(/^select c\.now/),
    expect.stringMatching(/insert into holds/),
    'commit',
  ]);
  expect(second).toHaveLength(6);
  expect(second[3]).toMatch(/update holds set status = 'EXPIRED'/);
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a sold-out batch with nothing due is refused in four statements', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 1 });
  await hold(shop, productId);
  const late = { quantity: 1, customerId: null, metadata: {}, keyHash: null };

  const sent = await statementsOf(() => createHolds(shop, productId, [late]));

  expect(sent).toHaveLength(4);
  expect(sent.at(-1)).toBe('commit');
});

test('quantities whose sum exceeds the largest integer are refused one by one', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 5 });
  const greedy = { quantity: 2_147_483_647, customerId: null, metadata: {}, keyHash: null };

  const results = await createHolds(shop, productId, [
    greedy,
    greedy,
    { ...greedy, quantity: 1 },
    greedy,
  ]);

  const refused = { kind: 'answered', answer: { code: 'BAD_USER_INPUT' } };
  const held = { kind: 'answered', answer: { quantity: 1 } };
  expect(results).toMatchObject([refused, refused, held, refused]);
});

test('requests that arrive during a commit share the next batch', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 100 });

  const sent = await statementsOf(() =>
    Promise.all(Array.from({ length: 60 }, () => ask(shop, productId))),
  );

  expect(sent.filter((statement) => statement === 'commit').length).toBeLessThanOrEqual(2);
});

test('one key used 100 times at once is one hold', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 100 });
  const idempotencyKey = randomUUID();

  const holds = await Promise.all(
    Array.from({ length: 100 }, () => hold(shop, productId, { idempotencyKey })),
  );

  expect(new Set(holds.map(({ id }) => id)).size).toBe(1);
  expect(new Set(holds.map((made) => tokenOf(shop, made))).size).toBe(1);
  expect(await stockOf(shop, productId)).toMatchObject({ available: 99, held: 1 });
});

test('a key used with other arguments is refused, and the first hold does not change', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const other = await makeProduct(shop);
  const idempotencyKey = randomUUID();
  const first = await hold(shop, productId, { idempotencyKey, quantity: 2 });

  const answers = [
    await ask(shop, productId, { idempotencyKey, quantity: 3 }),
    await ask(shop, productId, { idempotencyKey, quantity: 2, customerId: 'someone' }),
    await ask(shop, other, { idempotencyKey, quantity: 2 }),
  ];
  const again = await hold(shop, productId, { idempotencyKey, quantity: 2 });

  expect(answers.map(codeOf)).toEqual(Array(3).fill('IDEMPOTENCY_KEY_REUSED'));
  expect(again.id).toBe(first.id);
});

test('a key returns its hold after the hold has ended, and a refused key is decided again', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 1 });
  const keys = [randomUUID(), randomUUID()] as const;
  const first = await hold(shop, productId, { idempotencyKey: keys[0] });

  const refused = await ask(shop, productId, { idempotencyKey: keys[1] });
  await releaseHold(shop, tokenOf(shop, first));
  const served = await hold(shop, productId, { idempotencyKey: keys[1] });
  const replayed = await hold(shop, productId, { idempotencyKey: keys[0] });

  expect(codeOf(refused)).toBe('INSUFFICIENT_STOCK');
  expect(served.status).toBe('ACTIVE');
  expect(replayed).toMatchObject({ id: first.id, status: 'RELEASED' });
});

test('units of due holds and due orders become available to a buyer who needs them', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 4 });
  await hold(shop, productId, { quantity: 2 });
  await order(shop, await hold(shop, productId, { quantity: 2 }));

  await moveClock(server.database, 601_000);
  const served = await hold(shop, productId, { quantity: 4 });

  expect(served.quantity).toBe(4);
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('customers are compared byte for byte: case, spaces and Unicode forms count', async () => {
  const productId = await makeProduct(server.shop, { maxPerCustomer: 1, totalStock: 100 });
  const customers = [
    'ada',
    'Ada',
    'ada ',
    ' ada',
    'adá',
    'ada\u0301',
    'ad\u00e1',
    'ada\u200b',
    'ａda',
  ];
  const names = [...new Set(customers)];

  const first = await Promise.all(
    names.map((customerId) => ask(server.shop, productId, { customerId })),
  );
  const second = [];
  for (const customerId of names) second.push(await ask(server.shop, productId, { customerId }));

  expect(first.map(codeOf)).toEqual(names.map(() => 'OK'));
  expect(second.map(codeOf)).toEqual(names.map(() => 'PURCHASE_LIMIT_EXCEEDED'));
});

test('a customer has at most the limit held, pending and paid together, until the holds are due', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { maxPerCustomer: 3 });
  const customerId = 'a customer';
  await order(shop, await hold(shop, productId, { customerId, quantity: 1 }));
  await hold(shop, productId, { customerId, quantity: 1 });

  const tooMany = await ask(shop, productId, { customerId, quantity: 2 });
  const nameless = await ask(shop, productId, { quantity: 1 });
  await moveClock(server.database, 130_000);
  const afterDeadline = await ask(shop, productId, { customerId, quantity: 2 });

  expect(tooMany).toMatchObject({ code: 'PURCHASE_LIMIT_EXCEEDED', limit: 3, remaining: 1 });
  expect(codeOf(nameless)).toBe('BAD_USER_INPUT');
  expect(codeOf(afterDeadline)).toBe('OK');
});

test('a hold keeps the price of its creation', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { price: '29.99' });
  const made = await hold(shop, productId, { quantity: 3 });

  await server.database.rows('update products set price_minor = 1 where id = $1', [productId]);
  const ordered = await order(shop, made);

  expect(ordered.unitPriceMinor).toBe(2999n);
});

test('a locked row is BUSY, and later buyers succeed when it is unlocked', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const had = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  const holder = server.database.orm.em.fork().transactional(async (em) => {
    await em.execute('select from stock_levels where product_id = ? for update', [productId]);
    had.resolve();
    await free.promise;
  });
  await had.promise;

  const answers = await Promise.allSettled([ask(shop, productId), ask(shop, productId)]);
  free.resolve();
  await holder;
  const served = await ask(shop, productId);

  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(answers).toEqual(
    Array(2).fill(
      expect.objectContaining({ reason: expect.objectContaining({ name: 'BusyFault' }) }),
    ),
  );
  expect(codeOf(served)).toBe('OK');
});

test('an insert that fails in a batch does not fail the other requests', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);

  const answers = await Promise.allSettled([
    ask(shop, productId),
    ask(shop, productId, { customerId: 'broken \0 customer' }),
    ask(shop, productId),
  ]);

  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
