import { jest } from '@jest/globals';
import { deliver, hold, order, payment, type HoldOptions } from '../support/buyer.ts';
import { useCommandLine } from '../support/command-line.ts';
import { makeProduct, moveClock, until, useShop } from '../support/shop.ts';

/*
 * The commands that carry what happened to other systems: events tail, events listen and orders export.
 */

jest.setTimeout(60_000);

const server = useShop({ forEachTest: true });

const commandLine = useCommandLine(() => server.url);

const run = (...args: string[]) => commandLine.run(args);

/** Starts a command that goes on, and collects its lines. */
function start(...args: string[]) {
  const started = commandLine.start(args);
  return { ...started, lines: () => started.out().split('\n').filter(Boolean) };
}

async function buy(productId: number, options: HoldOptions = {}, paymentId = 'pay_1') {
  const made = await order(server.shop, await hold(server.shop, productId, options));
  await deliver(server.shop, payment(made.id, { paymentId }));
  return made.id;
}

test('events tail prints the last events, the oldest first, and continues after a position', async () => {
  const productId = await makeProduct(server.shop);
  const orders: string[] = [];
  for (const paymentId of ['a', 'b', 'c']) orders.push(await buy(productId, {}, paymentId));

  const last = await run('events', 'tail', '--first', '2', '--json');
  const text = await run('events', '--type', 'order_paid');
  await buy(productId, {}, 'd');
  const { next } = JSON.parse(last.out);
  const more = await run('events', 'tail', '--after', String(next), '--json');

  expect(last).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(last.out)).toMatchObject({
    rows: [
      { orderId: orders[1], type: 'ORDER_PAID', payload: { type: 'order.paid', sequence: 1 } },
      { orderId: orders[2], position: 3 },
    ],
    totalCount: 3,
    next: 3,
  });
  expect(text.out).toMatch(/^position +at +type +product +productName +orderId +id\n +1 /);
  expect(text.out).toContain('3 of 3. More: --after 3');
  expect(JSON.parse(more.out)).toMatchObject({ rows: [{ position: 4 }], next: 4 });
});

test('events listen prints what is committed after its start, until it is stopped', async () => {
  const productId = await makeProduct(server.shop, { totalStock: 100 });
  await buy(productId, {}, 'before');
  const text = start('events', 'listen');
  const json = start('events', 'listen', '--json', '--type', 'product_sold_out');
  let seen = 0;
  // An order for each look until both commands have begun to listen.
  await until('the first event of both commands', async () => {
    seen += 1;
    const other = await makeProduct(server.shop, { totalStock: 1 });
    await buy(other, {}, `pay ${seen}`);
    return text.lines().length > 0 && json.lines().length > 0;
  });
  const orderId = await buy(productId, {}, 'last');
  await until('the last order', () => text.lines().some((line) => line.includes(orderId)));

  expect(text.lines().at(-1)).toMatch(
    new RegExp(`^\\d{4}-.*Z ORDER_PAID product ${productId} \\(Test Widget\\) order ${orderId}$`),
  );
  for (const line of json.lines())
    expect(JSON.parse(line)).toMatchObject({
      productName: 'Test Widget',
      type: 'PRODUCT_SOLD_OUT',
      payload: { data: {} },
    });
  expect(text.lines().some((line) => line.includes('before'))).toBe(false);
  text.child.kill('SIGTERM');
  json.child.kill('SIGINT');
  expect(await Promise.all([text.ended, json.ended])).toEqual([0, 0]);
});

test('orders export writes each order of a range once, as CSV and as JSON', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop);
  const ids: string[] = [];
  for (const [index, customerId] of ['=HYPERLINK("x")', 'ada, "the first"', 'ben'].entries()) {
    await moveClock(database, index * 60_000);
    ids.push(await buy(productId, { customerId, metadata: { n: String(index) } }, `pay_${index}`));
  }
  await moveClock(database, 0);
  const [middle] = await database.rows<{ at: string }>(
    'select created_at as at from orders where id = $1',
    [ids[1]],
  );
  const at = new Date(middle!.at).toISOString();

  const csv = await run('orders', 'export', '--csv');
  const json = await run('orders', 'export', '--json', '--from', at);
  const before = await run('orders', 'export', '--json', '--to', at);
  const none = await run('orders', 'export', '--from', '2100-01-01');

  const lines = csv.out.split('\r\n');
  expect(csv).toMatchObject({ code: 0, err: '' });
  expect(lines).toHaveLength(5);
  expect(lines[0]).toBe(
    'id,holdId,productId,quantity,unitPrice,totalAmount,currency,status,customerId,paymentProvider,paymentId,createdAt,paymentExpiresAt,paidAt,updatedAt,metadata',
  );
  expect(lines[1]).toMatch(
    new RegExp(
      `^${ids[0]},[^,]+,${productId},1,29\\.99,29\\.99,USD,PAID,"'=HYPERLINK\\(""x""\\)",payments,pay_0,`,
    ),
  );
  expect(lines[1]!.endsWith(',"{""n"":""0""}"')).toBe(true);
  expect(lines[2]).toContain(',"ada, ""the first""",');
  expect(JSON.parse(json.out).map(({ id }: { id: string }) => id)).toEqual([ids[1], ids[2]]);
  expect(JSON.parse(json.out)[1]).toMatchObject({ customerId: 'ben', metadata: { n: '2' } });
  expect(JSON.parse(before.out).map(({ id }: { id: string }) => id)).toEqual([ids[0]]);
  expect(none.out).toBe(`${lines[0]}\r\n`);
});

test('orders export refuses what is no time and two formats', async () => {
  const noTime = await run('orders', 'export', '--from', 'yesterday');
  const both = await run('orders', 'export', '--csv', '--json');

  expect(noTime).toMatchObject({ code: 2, err: expect.stringContaining('ISO 8601') });
  expect(both.code).toBe(2);
});

test('orders export reads a large shop in batches, and stops where its reader does', async () => {
  const { database } = server;
  await database.orm.em.getConnection().execute(`
    insert into holds (id, order_id, product_id, quantity, unit_price_minor, currency, status, created_at,
      expires_at, held_version)
    select gen_random_uuid(), gen_random_uuid(), 1, 1, 100, 'USD', 'CONVERTED', now(), now(), 1
    from generate_series(1, 20500);
    insert into orders (id, hold_id, product_id, quantity, unit_price_minor, currency, status, created_at,
      payment_expires_at, updated_at)
    select order_id, id, 1, 1, 100, 'USD', 'PENDING', now(), now(), now() from holds`);

  const { out } = await run('orders', 'export', '--json');
  const { child, ended, lines } = start('orders', 'export');
  await until('the first lines', () => lines().length > 0);
  child.stdout!.destroy();

  const ids = (JSON.parse(out) as { id: string }[]).map(({ id }) => id);
  expect(new Set(ids).size).toBe(20_500);
  expect(ids).toEqual(ids.toSorted((one, other) => (one < other ? -1 : 1)));
  expect(await ended).toBe(0);
});
