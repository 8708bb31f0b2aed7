import { jest } from '@jest/globals';
import { countDown } from '../../docs/examples/countdown.ts';
import {
  HoldChangedDocument,
  OrderChangedDocument,
  StockChangedDocument,
  type ShownHoldFragment,
  type ShownOrderFragment,
  type ShownStockFragment,
} from '../../docs/examples/generated/operations.ts';
import { newestOf, NewestProducts } from '../../docs/examples/newest.ts';
import { CheckoutPage } from '../../docs/examples/page.ts';
import { answered } from '../../docs/examples/retry.ts';
import { CallFailed, type ShopClient } from '../../docs/examples/shop-client.ts';

beforeEach(() => void jest.useFakeTimers());

afterEach(() => void jest.useRealTimers());

describe('a countdown', () => {
  test('runs on what the server says is left, while the wall clock jumps by hours', () => {
    const shown: number[] = [];

    countDown(3500, (leftMs) => shown.push(leftMs));
    jest.setSystemTime(new Date('2001-01-01'));
    jest.advanceTimersByTime(600);
    jest.setSystemTime(new Date('2101-01-01'));
    jest.advanceTimersByTime(9400);

    expect(shown).toEqual([3500, 3000, 2000, 1000, 0]);
  });

  test('shows nothing more once it is stopped', () => {
    const shown: number[] = [];

    const stop = countDown(2000, (leftMs) => shown.push(leftMs));
    jest.advanceTimersByTime(1000);
    stop();
    jest.advanceTimersByTime(5000);

    expect(shown).toEqual([2000, 1000]);
  });

  test('of what is over shows 0, once', () => {
    const shown: number[] = [];

    countDown(0, (leftMs) => shown.push(leftMs));
    jest.advanceTimersByTime(5000);

    expect(shown).toEqual([0]);
  });
});

describe('a call that is tried again', () => {
  const BUSY = { __typename: 'Busy', retryAfterMs: 700 };

  /** Plays these answers one after the other, and tells when each was asked for. */
  function shopThatSays(...answers: (object | Error)[]) {
    const askedAt: number[] = [];
    const call = async (): Promise<object> => {
      askedAt.push(performance.now());
      const answer = answers[Math.min(askedAt.length, answers.length) - 1]!;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { call, askedAt };
  }

  test('waits as long as a busy shop asks it to', async () => {
    const { call, askedAt } = shopThatSays(BUSY, { __typename: 'Hold' });

    const answer = answered(call);
    await jest.advanceTimersByTimeAsync(60_000);

    expect(await answer).toEqual({ __typename: 'Hold' });
    expect(askedAt[1]! - askedAt[0]!).toBeGreaterThanOrEqual(700);
  });

  test('tells in the end that the shop is busy still', async () => {
    const { call, askedAt } = shopThatSays(BUSY);

    const answer = answered(call);
    await jest.advanceTimersByTimeAsync(120_000);

    expect(await answer).toEqual(BUSY);
    expect(askedAt).toHaveLength(8);
  });

  test.each([undefined, 'OVERLOADED', 'RATE_LIMITED'])('goes on after %s', async (code) => {
    const { call } = shopThatSays(new CallFailed('no answer', code), { __typename: 'Hold' });

    const answer = answered(call);
    await jest.advanceTimersByTimeAsync(60_000);

    expect(await answer).toEqual({ __typename: 'Hold' });
  });

  test('throws at once what no repetition mends', async () => {
    const { call, askedAt } = shopThatSays(new CallFailed('4 wanted', 'BAD_USER_INPUT'));

    await expect(answered(call)).rejects.toThrow('4 wanted');

    expect(askedAt).toHaveLength(1);
  });
});

describe('the newest of each field', () => {
  const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
  const history = [
    { name: 'A', stockVersion: 1, availableStock: 9, updatedAt: at(0), saleStatus: 'UPCOMING' },
    { name: 'A', stockVersion: 1, availableStock: 9, updatedAt: at(0), saleStatus: 'LIVE' },
    { name: 'A', stockVersion: 2, availableStock: 8, updatedAt: at(0), saleStatus: 'LIVE' },
    { name: 'B', stockVersion: 2, availableStock: 8, updatedAt: at(1), saleStatus: 'UPCOMING' },
    { name: 'B', stockVersion: 3, availableStock: 7, updatedAt: at(1), saleStatus: 'ENDED' },
  ];
  const ordersOf = <Item>(items: readonly Item[]): Item[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((item, position) =>
          ordersOf(items.toSpliced(position, 1)).map((rest) => [item, ...rest]),
        );

  test('is the same, whatever the order in which the values arrive', () => {
    const ends = ordersOf(history).map((values) => values.reduce(newestOf));

    expect(ends).toHaveLength(120);
    for (const end of ends) expect(end).toEqual(history.at(-1));
  });

  test('is taken from a newer stock and a newer product where they arrive apart', () => {
    const [newerStock, newerProduct] = [history[2]!, { ...history[3]!, stockVersion: 1 }];

    expect(newestOf(newerStock, newerProduct)).toMatchObject({ name: 'B', availableStock: 8 });
    expect(newestOf(newerProduct, newerStock)).toMatchObject({ name: 'B', availableStock: 8 });
  });

  test('replaces older products anywhere in an answer, and nothing that cannot be compared', () => {
    const products = new NewestProducts();
    const product = (value: object) => ({ __typename: 'Product', id: '1', ...value });
    products.take({ stockChanged: product(history[4]!) });

    const late = products.take({
      products: { nodes: [product({ ...history[0], description: 'of A' })] },
      hold: { product: { __typename: 'Product', id: '1', name: 'not comparable' } },
      other: { ...product(history[0]!), id: '2' },
      nothing: null,
    });

    expect(late).toEqual({
      products: { nodes: [product({ ...history[4], description: 'of A' })] },
      hold: { product: { __typename: 'Product', id: '1', name: 'not comparable' } },
      other: { ...product(history[0]!), id: '2' },
      nothing: null,
    });
  });
});

describe('a page whose answers come late', () => {
  const stock = (
    stockVersion: number,
    updatedAt = '2026-01-01T00:00:00.000Z',
  ): ShownStockFragment => ({
    id: '1',
    updatedAt,
    availableStock: 20 - stockVersion,
    stockStatus: 'AVAILABLE',
    saleStatus: 'LIVE',
    stockVersion,
  });
  const totalAmount = { amount: '29.99', currency: 'USD' };
  const hold = (status: ShownHoldFragment['status']): ShownHoldFragment => ({
    token: 'token',
    quantity: 1,
    totalAmount,
    status,
    remainingMs: status === 'ACTIVE' ? 120_000 : 0,
    orderId: '1',
  });
  const order = (status: ShownOrderFragment['status']): ShownOrderFragment => ({
    id: '1',
    totalAmount,
    status,
    remainingMs: status === 'PENDING' ? 600_000 : 0,
    refunds: [],
  });

  /** A shop that answers what it is given, by root field; the test tells what its streams say. */
  function shopOf(answers: object) {
    const streams = new Map<unknown, (data: object) => void>();
    const keys: unknown[] = [];
    const answer = async (
      _document: unknown,
      { input }: { input?: { idempotencyKey: string } },
    ): Promise<object> => {
      if (input) keys.push(input.idempotencyKey);
      if (answers instanceof Error) throw answers;
      return answers;
    };
    const shop = {
      query: answer,
      mutate: answer,
      subscribe(document: unknown, _variables: object, told: { next(data: object): void }) {
        streams.set(document, (data) => told.next(data));
        return () => {};
      },
      close() {},
    } as unknown as ShopClient;
    const page = new CheckoutPage(shop, '1', () => {});
    return {
      page,
      keys,
      tellStock: (told: object) => streams.get(StockChangedDocument)!({ stockChanged: told }),
      tellHold: (told: object) => streams.get(HoldChangedDocument)!({ holdChanged: told }),
      tellOrder: (told: object) => streams.get(OrderChangedDocument)!({ orderChanged: told }),
    };
  }

  test('drops stock that is older than what it shows', async () => {
    const { page, tellStock } = shopOf({ product: { name: 'Widget', ...stock(4) } });

    const opened = page.open();
    tellStock(stock(5));
    await opened;
    tellStock(stock(3));

    expect(page.screen).toMatchObject({ product: { name: 'Widget' }, stock: stock(5) });
  });

  test('shows a change of the product at the same stock version, and no older one after it', async () => {
    const { page, tellStock } = shopOf({ product: { name: 'Widget', ...stock(4) } });
    await page.open();

    tellStock({ name: 'Renamed', ...stock(4, '2026-01-01T00:00:01.000Z') });
    tellStock({ name: 'Widget', ...stock(5) });

    expect(page.screen).toMatchObject({ product: { name: 'Renamed' }, stock: { stockVersion: 5 } });
  });

  test('shows no order pending that is paid, and no hold active that has ended', async () => {
    const { page, tellHold, tellOrder } = shopOf({
      createHold: { __typename: 'Hold', ...hold('ACTIVE') },
      createOrder: { __typename: 'Order', ...order('PENDING') },
    });
    await page.reserve(1);

    const bought = page.buy();
    tellOrder(order('PAID'));
    tellHold(hold('CONVERTED'));
    await bought;
    tellHold(hold('ACTIVE'));

    expect(page.screen).toMatchObject({
      order: { status: 'PAID' },
      hold: { status: 'CONVERTED' },
      leftMs: 0,
    });
  });

  test('keeps the key of a wish without an answer, and takes a new one for another wish', async () => {
    const { page, keys } = shopOf(new CallFailed('A bug', 'INTERNAL_SERVER_ERROR'));

    await page.reserve(1);
    await page.reserve(1);
    await page.reserve(2);

    expect(page.screen.failure).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });
});
