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
  test('counts down from the remaining time of the server, even while the wall clock jumps by hours', () => {
    const shown: number[] = [];

    countDown(3500, (leftMs) => shown.push(leftMs));
    jest.setSystemTime(new Date('2001-01-01'));
    jest.advanceTimersByTime(600);
    jest.setSystemTime(new Date('2101-01-01'));
    jest.advanceTimersByTime(9400);

    expect(shown).toEqual([3500, 3000, 2000, 1000, 0]);
  });

  test('shows nothing after it is stopped', () => {
    const shown: number[] = [];

    const stop = countDown(2000, (leftMs) => shown.push(leftMs));
    jest.advanceTimersByTime(1000);
    stop();
    jest.advanceTimersByTime(5000);

    expect(shown).toEqual([2000, 1000]);
  });

  test('of an ended hold shows 0 once', () => {
    const shown: number[] = [];

    countDown(0, (leftMs) => shown.push(leftMs));
    jest.advanceTimersByTime(5000);

    expect(shown).toEqual([0]);
  });
});

describe('a call with retries', () => {
  const BUSY = { __typename: 'Busy', retryAfterMs: 700 };

  /** Returns these answers one after another, and records the time of each call. */
  function shopThatReturns(...answers: (object | Error)[]) {
    const calledAt: number[] = [];
    const call = async (): Promise<object> => {
      calledAt.push(performance.now());
      const answer = answers[Math.min(calledAt.length, answers.length) - 1]!;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { call, calledAt };
  }

  test('waits for the retryAfterMs of a busy shop', async () => {
    const { call, calledAt } = shopThatReturns(BUSY, { __typename: 'Hold' });

    const answer = answered(call);
    await jest.advanceTimersByTimeAsync(60_000);

    expect(await answer).toEqual({ __typename: 'Hold' });
    expect(calledAt[1]! - calledAt[0]!).toBeGreaterThanOrEqual(700);
  });

  test('returns Busy when the shop is still busy after the last attempt', async () => {
    const { call, calledAt } = shopThatReturns(BUSY);

    const answer = answered(call);
    await jest.advanceTimersByTimeAsync(120_000);

    expect(await answer).toEqual(BUSY);
    expect(calledAt).toHaveLength(8);
  });

  test.each([undefined, 'OVERLOADED', 'RATE_LIMITED'])('tries again after %s', async (code) => {
    const { call } = shopThatReturns(new CallFailed('no answer', code), { __typename: 'Hold' });

    const answer = answered(call);
    await jest.advanceTimersByTimeAsync(60_000);

    expect(await answer).toEqual({ __typename: 'Hold' });
  });

  test('throws an error at once that a retry cannot fix', async () => {
    const { call, calledAt } = shopThatReturns(new CallFailed('4 wanted', 'BAD_USER_INPUT'));

    await expect(answered(call)).rejects.toThrow('4 wanted');

    expect(calledAt).toHaveLength(1);
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

  test('is the same for every order of arrival', () => {
    const ends = ordersOf(history).map((values) => values.reduce(newestOf));

    expect(ends).toHaveLength(120);
    for (const end of ends) expect(end).toEqual(history.at(-1));
  });

  test('combines a newer stock and a newer product that arrive separately', () => {
    const [newerStock, newerProduct] = [history[2]!, { ...history[3]!, stockVersion: 1 }];

    expect(newestOf(newerStock, newerProduct)).toMatchObject({ name: 'B', availableStock: 8 });
    expect(newestOf(newerProduct, newerStock)).toMatchObject({ name: 'B', availableStock: 8 });
  });

  test('replaces older products anywhere in an answer, and leaves values without versions unchanged', () => {
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

describe('a page whose answers arrive late', () => {
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

  /** A shop with given answers by root field; the test pushes the values of its streams. */
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
      subscribe(document: unknown, _variables: object, sink: { next(data: object): void }) {
        streams.set(document, (data) => sink.next(data));
        return () => {};
      },
      close() {},
    } as unknown as ShopClient;
    const page = new CheckoutPage(shop, '1', () => {});
    return {
      page,
      keys,
      pushStock: (stockChanged: object) => streams.get(StockChangedDocument)!({ stockChanged }),
      pushHold: (holdChanged: object) => streams.get(HoldChangedDocument)!({ holdChanged }),
      pushOrder: (orderChanged: object) => streams.get(OrderChangedDocument)!({ orderChanged }),
    };
  }

  test('drops stock that is older than the stock on display', async () => {
    const { page, pushStock } = shopOf({ product: { name: 'Widget', ...stock(4) } });

    const opened = page.open();
    pushStock(stock(5));
    await opened;
    pushStock(stock(3));

    expect(page.screen).toMatchObject({ product: { name: 'Widget' }, stock: stock(5) });
  });

  test('shows a change of the product at the same stock version, and never an older one', async () => {
    const { page, pushStock } = shopOf({ product: { name: 'Widget', ...stock(4) } });
    await page.open();

    pushStock({ name: 'Renamed', ...stock(4, '2026-01-01T00:00:01.000Z') });
    pushStock({ name: 'Widget', ...stock(5) });

    expect(page.screen).toMatchObject({ product: { name: 'Renamed' }, stock: { stockVersion: 5 } });
  });

  test('never shows a paid order as pending or an ended hold as active', async () => {
    const { page, pushHold, pushOrder } = shopOf({
      createHold: { __typename: 'Hold', ...hold('ACTIVE') },
      createOrder: { __typename: 'Order', ...order('PENDING') },
    });
    await page.reserve(1);

    const bought = page.buy();
    pushOrder(order('PAID'));
    pushHold(hold('CONVERTED'));
    await bought;
    pushHold(hold('ACTIVE'));

    expect(page.screen).toMatchObject({
      order: { status: 'PAID' },
      hold: { status: 'CONVERTED' },
      leftMs: 0,
    });
  });

  test('reuses the idempotency key of an unanswered request, and takes a new key for another request', async () => {
    const { page, keys } = shopOf(new CallFailed('A bug', 'INTERNAL_SERVER_ERROR'));

    await page.reserve(1);
    await page.reserve(1);
    await page.reserve(2);

    expect(page.screen.failure).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });
});
