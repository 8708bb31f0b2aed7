import { listProducts } from '../../src/shop/catalog/find-products.ts';
import { endDue } from '../../src/shop/purchases/end-due.ts';
import { transact } from '../../src/postgres/transaction.ts';
import { withLockedStock } from '../../src/shop/stock/locked-stock.ts';
import type { StockCount } from '../../src/shop/stock/stock.rules.ts';
import { adminAdjustStock } from '../../src/shop/admin/admin-adjust-stock.ts';
import { adminCreateProduct } from '../../src/shop/admin/admin-products.ts';
import { auditStock } from '../../src/shop/reconciliation/audit-stock.ts';
import { seedDemo } from '../../src/shop/stock/seed-demo.ts';
import { ask, codeOf, hold, midSale } from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  stockOf,
  useShop,
} from '../support/shop.ts';

const server = useShop();

const ADMIN = { actor: 'a test', address: null, requestId: null };

const change = (productId: number, delta: number) => ({
  productId,
  delta,
  reason: 'counted again',
  expectedVersion: null,
  idempotencyKey: null,
});

test('the demo sale is created once, as products 1, 2 and 3', async () => {
  const made = [await seedDemo(server.database), await seedDemo(server.database)];

  const page = await listProducts(server.shop, { first: 10, after: null, saleStatus: 'LIVE' });

  expect(made).toEqual([true, false]);
  expect(page).toMatchObject({
    rows: [
      { id: 2, currency: 'EUR' },
      { id: 1, priceMinor: 2999n },
    ],
    totalCount: 2,
  });
});

test('the total is raised and lowered, never below held and sold', async () => {
  const { shop } = server;
  const { productId } = await midSale(shop);

  const raised = await adminAdjustStock(shop, ADMIN, change(productId, 5));
  const tooLow = await adminAdjustStock(shop, ADMIN, change(productId, -10));
  const lowered = await adminAdjustStock(shop, ADMIN, change(productId, -9));

  expect(raised).toMatchObject({ total: 15, available: 9 });
  expect(tooLow).toMatchObject({ code: 'STOCK_BELOW_COMMITTED', committed: 6 });
  expect(lowered).toMatchObject({ total: 6, available: 0, held: 4, sold: 2 });
  expect(codeOf(await ask(shop, productId))).toBe('INSUFFICIENT_STOCK');
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('an adjustment with a key takes effect once, also in parallel, and its key is bound to its arguments', async () => {
  const { shop } = server;
  const [productId, other] = [await makeProduct(shop, { totalStock: 10 }), await makeProduct(shop)];
  const keyed = { ...change(productId, 5), idempotencyKey: 'an admin’s key' };

  const answers = await Promise.all(
    Array.from({ length: 20 }, () => adminAdjustStock(shop, ADMIN, keyed)),
  );
  const reused = [
    await adminAdjustStock(shop, ADMIN, { ...keyed, delta: 6 }),
    await adminAdjustStock(shop, ADMIN, { ...keyed, reason: 'another' }),
    await adminAdjustStock(shop, ADMIN, { ...keyed, productId: other }),
  ];

  expect(answers.every((answer) => 'total' in answer && answer.total === 15)).toBe(true);
  expect(reused.map(codeOf)).toEqual(Array(3).fill('IDEMPOTENCY_KEY_REUSED'));
  expect(await stockOf(shop, productId)).toMatchObject({ total: 15, version: 2 });
});

test('an adjustment of another stock version is refused', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  await hold(shop, productId);

  const stale = await adminAdjustStock(shop, ADMIN, {
    ...change(productId, 1),
    expectedVersion: 1,
  });
  const fresh = await adminAdjustStock(shop, ADMIN, {
    ...change(productId, 1),
    expectedVersion: 2,
  });

  expect(stale).toMatchObject({ code: 'STOCK_VERSION_CONFLICT', currentVersion: 2 });
  expect(fresh).toMatchObject({ total: 21 });
});

test('a product with an invalid price or invalid limits is refused', async () => {
  const wanted = {
    name: 'x',
    description: null,
    price: '1.00',
    currency: 'USD',
    totalStock: 1,
    maxPerHold: 1,
    maxPerCustomer: null,
    saleStartsAt: null,
    saleEndsAt: null,
    imageUrl: null,
  };
  const wrong = [
    { price: '1.001' },
    { price: '-1' },
    { price: '1e2' },
    { price: '' },
    { currency: 'ZZZ' },
    { currency: 'JPY', price: '1.5' },
    { totalStock: -1 },
    { maxPerHold: 0 },
    { maxPerCustomer: 0 },
    { price: '99999999999999.99' },
    { saleStartsAt: new Date(2), saleEndsAt: new Date(1) },
  ];

  const answers = await Promise.all(
    wrong.map((fields) => adminCreateProduct(server.shop, ADMIN, { ...wanted, ...fields })),
  );

  expect(answers.map(codeOf)).toEqual(wrong.map(() => 'BAD_USER_INPUT'));
});

test('an audit finds changes made by SQL, and the constraints refuse others', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 5 });
  const made = await hold(shop, productId, { quantity: 2 });
  await using session = await openSession(server.url);

  await expect(
    session.query('update stock_levels set available = -1 where product_id = $1', [productId]),
  ).rejects.toThrow('stock_levels');
  await expect(
    session.query('update stock_movements set held_delta = 3 where product_id = $1', [productId]),
  ).rejects.toThrow('never changed');
  await session.query('update holds set quantity = 1 where id = $1', [made.id]);

  const audit = (await auditStock(shop, productId))!;
  expect(audit.balanced).toBe(false);
  expect(audit.findings).toEqual([
    expect.stringContaining('Version 2'),
    expect.stringContaining(
      'Active holds and pending orders sum to 1 units, but the stock row has 2 held.',
    ),
  ]);
  expect(await auditStock(shop, 2_000_000)).toBeNull();
});

test('new stock is announced after the commit, and never after a rollback', async () => {
  const announced: StockCount[] = [];
  const shop = { ...server.shop, announceStock: (count: StockCount) => void announced.push(count) };
  const productId = await makeProduct(shop);
  await hold(server.shop, productId);
  await moveClock(server.database, 130_000);
  const announcedWithin: number[] = [];
  const reclaim = (end: () => void) =>
    transact(shop.database, async (tx) => {
      await withLockedStock(shop, tx, productId, (stock) => endDue(shop, tx, stock));
      announcedWithin.push(announced.length);
      end();
    });

  await expect(
    reclaim(() => {
      throw new Error('rolled back');
    }),
  ).rejects.toThrow('rolled back');
  const announcedAfterRollback = announced.length;
  await reclaim(() => {});
  await moveClock(server.database, 0);

  expect([...announcedWithin, announcedAfterRollback]).toEqual([0, 0, 0]);
  expect(announced).toMatchObject([{ productId, available: 20, version: 3 }]);
});
