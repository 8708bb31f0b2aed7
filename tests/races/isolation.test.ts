import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { receivePayment } from '../../src/shop/payments/inbox/receive-payment.ts';
import {
  ask,
  codeOf,
  deliverUntilTaken,
  hold,
  order,
  orderUntilTaken,
  payment,
} from '../support/buyer.ts';
import {
  createTestDatabase,
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  stockOf,
} from '../support/shop.ts';

const LEVELS = ['read committed', 'repeatable read', 'serializable'] as const;

test.each(LEVELS)('the races end the same where the database’s default is %s', async (level) => {
  const database = await createTestDatabase();
  const name = new URL(database.url).pathname.slice(1);
  {
    await using session = await openSession(database.url);
    await session.query(`alter database ${name} set default_transaction_isolation = '${level}'`);
  }
  {
    await using one = await openTestShop(database.url);
    await using two = await openTestShop(database.url);
    const server = (turn: number) => (turn % 2 ? one : two).shop;
    const few = await makeProduct(one.shop, { totalStock: 20 });
    const many = await makeProduct(one.shop, { totalStock: 61 });

    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, buyer) => ask(server(buyer), few)),
    );
    await Promise.all(
      Array.from({ length: 60 }, async (_, turn) => {
        const made = await hold(server(turn), many);
        await Promise.all([
          orderUntilTaken(server(turn), made),
          deliverUntilTaken(server(turn + 1), payment(made.orderId)),
        ]);
      }),
    );
    const event = payment((await order(one.shop, await hold(one.shop, many))).id);
    const receipts = await Promise.all(
      Array.from({ length: 30 }, (_, turn) => receivePayment(server(turn), event)),
    );
    await moveClock(one.database, 130_000);
    await Promise.all([one, two, one].map(({ shop }) => sweepDue(shop)));

    expect(answers.filter((answer) => codeOf(answer) === 'OK')).toHaveLength(20);
    expect(new Set(receipts.map((receipt) => ('body' in receipt ? receipt.body : ''))).size).toBe(
      1,
    );
    expect(await stockOf(one.shop, many)).toMatchObject({ sold: 61, held: 0, available: 0 });
    expect(await stockOf(one.shop, few)).toMatchObject({ available: 20, held: 0 });
    expect(await findingsOf(one.shop, few)).toEqual([]);
    expect(await findingsOf(one.shop, many)).toEqual([]);
  }
  await database.drop();
});
