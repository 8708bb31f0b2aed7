import { UnavailableFault } from '../../src/lib/faults.ts';
import type { StockedProduct } from '../../src/shop/stock/find-stocked.ts';
import { StockFeed } from '../../src/live/stock-feed.ts';

const { jest } = import.meta;

const DAY_MS = 24 * 3600_000;

/** The database of these tests: what is committed, and whether it answers. */
let committed: Map<number, StockedProduct>;
let isAway: boolean;
/** The ids of each read. */
let reads: number[][];
let feed: StockFeed;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick'] });
  committed = new Map();
  isAway = false;
  reads = [];
  feed = new StockFeed(async (ids) => {
    reads.push([...ids]);
    if (isAway) throw new UnavailableFault('The database is away.');
    const readAt = clock();
    return ids.flatMap((id) => {
      const product = committed.get(id);
      return product ? [{ ...product, readAt, stock: { ...product.stock, readAt } }] : [];
    });
  });
});

afterEach(() => {
  jest.useRealTimers();
});

const clock = (aheadMs = 0): Date => new Date(Date.now() + aheadMs);

const passes = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

/** Commits a change and signals it, as a server does after its commit. */
function commit(change: Partial<StockedProduct> & { readonly version?: number }, id = 1): void {
  commitUnseen(change, id);
  feed.changed([id]);
}

function commitUnseen(
  { version, ...change }: Partial<StockedProduct> & { readonly version?: number },
  id = 1,
): void {
  const known = committed.get(id) ?? madeProduct(id);
  const stock = { ...known.stock, version: version ?? known.stock.version };
  committed.set(id, { ...known, ...change, stock });
}

function madeProduct(id: number): StockedProduct {
  const readAt = new Date(0);
  return {
    id,
    name: 'Test Widget',
    description: null,
    priceMinor: 2999n,
    currency: 'USD',
    maxPerHold: 10,
    maxPerCustomer: null,
    saleStartsAt: null,
    saleEndsAt: null,
    salePaused: false,
    imageUrl: null,
    createdAt: readAt,
    updatedAt: readAt,
    readAt,
    stock: {
      productId: id,
      version: 0,
      total: 20,
      available: 20,
      held: 0,
      sold: 0,
      soldOutAt: null,
      readAt,
    },
  };
}

interface Received {
  readonly version: number;
  readonly atMs: number;
}

/** Subscribes to a product that was read once, and records the time of each value. */
async function listen(productId = 1) {
  if (!committed.has(productId)) committed.set(productId, madeProduct(productId));
  const values: StockedProduct[] = [];
  const received: Received[] = [];
  const beganAt = Date.now();
  const leave = feed.subscribe(productId, (product) => {
    values.push(product);
    received.push({ version: product.stock.version, atMs: Date.now() - beganAt });
  });
  await feed.load([productId]);
  return { values, received, leave, versions: () => received.map(({ version }) => version) };
}

describe('the pace', () => {
  test('the first change is published at once', async () => {
    const { received } = await listen();

    commit({ version: 1 });
    await passes(0);

    expect(received).toEqual([{ version: 1, atMs: 0 }]);
  });

  test('of many changes within 50 ms only the newest is published, at the end', async () => {
    const { received } = await listen();

    for (const version of [1, 2, 3, 4]) {
      commit({ version });
      await passes(0);
    }
    await passes(49);
    const before = received.length;
    await passes(1000);

    expect(before).toBe(1);
    expect(received).toEqual([
      { version: 1, atMs: 0 },
      { version: 4, atMs: 50 },
    ]);
  });

  test('500 changes of stock and price in a second are published, and read, at most every 50 ms', async () => {
    const { received, values } = await listen();
    reads.length = 0;

    for (let version = 1; version <= 250; version += 1) {
      commit({ version });
      await passes(2);
      commit({ priceMinor: BigInt(version), updatedAt: new Date(version) });
      await passes(2);
    }
    await passes(50);

    const gaps = received.slice(1).map(({ atMs }, position) => atMs - received[position]!.atMs);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
    expect(received.length).toBeLessThanOrEqual(21);
    expect(reads.length).toBeLessThanOrEqual(22);
    expect(values.at(-1)).toMatchObject({ priceMinor: 250n, stock: { version: 250 } });
  });

  test('a change after a pause is published at once again', async () => {
    const { received } = await listen();

    commit({ version: 1 });
    await passes(50);
    commit({ version: 2 });
    await passes(0);

    expect(received).toEqual([
      { version: 1, atMs: 0 },
      { version: 2, atMs: 50 },
    ]);
  });

  test('each product has its own pace', async () => {
    const one = await listen(1);
    const two = await listen(2);

    commit({ version: 1 }, 1);
    await passes(0);
    commit({ version: 2 }, 1);
    commit({ version: 9 }, 2);
    await passes(0);

    expect([one.versions(), two.versions()]).toEqual([[1], [9]]);
  });
});

describe('what is published', () => {
  test.each<[string, Partial<StockedProduct>]>([
    ['its name', { name: 'Renamed', updatedAt: new Date(1) }],
    ['its description', { description: 'New', updatedAt: new Date(1) }],
    ['its price', { priceMinor: 1n, updatedAt: new Date(1) }],
    ['its limits', { maxPerHold: 1, maxPerCustomer: 1, updatedAt: new Date(1) }],
    ['its sale window', { saleStartsAt: new Date(DAY_MS * 1e5), updatedAt: new Date(1) }],
    ['its name, by hand, with no other time of change', { name: 'Renamed' }],
  ])('a change of %s at the same stock version is published', async (_what, change) => {
    const { values } = await listen();

    commit(change);
    await passes(0);

    expect(values).toMatchObject([change]);
  });

  test('a change of stock publishes the product’s newest committed state', async () => {
    const { values } = await listen();

    commitUnseen({ name: 'Renamed on another server', updatedAt: new Date(1) });
    commit({ version: 1 });
    await passes(0);

    expect(values).toMatchObject([{ name: 'Renamed on another server', stock: { version: 1 } }]);
  });

  test('a signal without a change publishes nothing', async () => {
    const { values } = await listen();

    feed.changed();
    await passes(1000);

    expect(values).toEqual([]);
  });

  test('neither the version nor the time of change ever decreases', async () => {
    const { values, versions } = await listen();

    for (const version of [5, 3, 5, 7, 6]) {
      commit({ version });
      await passes(60);
    }
    commit({ version: 8, name: 'Newer', updatedAt: new Date(2) });
    await passes(60);
    commit({ version: 9, name: 'Older', updatedAt: new Date(1) });
    await passes(1000);

    expect(versions()).toEqual([5, 7, 8]);
    expect(values.at(-1)!.name).toBe('Newer');
  });

  test('a change without a signal is published by the next refresh', async () => {
    const { values } = await listen();

    commitUnseen({ name: 'Renamed', updatedAt: new Date(1) });
    await feed.refresh();

    expect(values).toMatchObject([{ name: 'Renamed' }]);
  });

  test('a change while the database is unavailable is published when it is back', async () => {
    const { values } = await listen();

    isAway = true;
    commit({ version: 1 });
    await passes(1000);
    const before = values.length;
    isAway = false;
    await passes(100);

    expect(before).toBe(0);
    expect(values).toMatchObject([{ stock: { version: 1 } }]);
  });

  test('a refresh that fails rejects', async () => {
    await listen();
    isAway = true;

    await expect(feed.refresh()).rejects.toThrow('The database is away.');
  });

  test('every subscriber of a product receives the same values', async () => {
    const listeners = [await listen(), await listen()];

    commit({ version: 1 });
    await passes(0);
    for (const version of [2, 3]) commit({ version });
    await passes(50);

    expect(listeners.map(({ versions }) => versions())).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });
});

describe('a sale that opens or ends', () => {
  const starts = (ms: number) => ({ saleStartsAt: clock(ms), updatedAt: clock() });
  const ends = (ms: number) => ({ saleEndsAt: clock(ms), updatedAt: clock() });

  test('is published at its instant, once each', async () => {
    commitUnseen({ saleStartsAt: clock(1000), saleEndsAt: clock(3000) });
    const { received } = await listen();

    await passes(10_000);

    expect(received.map(({ atMs }) => atMs)).toEqual([1005, 3005]);
  });

  test('is published at its instant by the database’s clock, independent of the server’s clock', async () => {
    commitUnseen({ saleStartsAt: clock(1000) });
    const { received } = await listen();

    jest.setSystemTime(Date.now() + 700);
    await feed.refresh();
    await passes(304);
    const before = received.length;
    await passes(1);

    expect([before, received.length]).toEqual([0, 1]);
  });

  test('is published at its instant even when that is more than 24.8 days ahead', async () => {
    commitUnseen({ saleStartsAt: clock(30 * DAY_MS) });
    const { received } = await listen();
    reads.length = 0;

    await passes(60_000);
    const readsInAMinute = reads.length;
    await passes(30 * DAY_MS - 60_001);
    const before = received.length;
    await passes(6);

    expect(readsInAMinute).toBeLessThanOrEqual(1);
    expect([before, received.length]).toEqual([0, 1]);
  }, 60_000);

  test.each([
    ['earlier', [20_000, 1000]],
    ['later', [1000, 20_000]],
    ['again and again', [20_000, 500, 9000, 700]],
  ])('is published at its new instant when the window is moved %s', async (_how, windows) => {
    const { values, received } = await listen();

    for (const ms of windows) {
      commit(starts(ms));
      await passes(100);
    }
    const moved = received.length;
    await passes(windows.at(-1)! - 100);
    const before = received.length;
    await passes(5);

    expect([moved, before - moved, received.length - before]).toEqual([windows.length, 0, 1]);
    expect(values.at(-1)!.saleStartsAt! <= values.at(-1)!.readAt).toBe(true);
  });

  test('is published after the pause where a change came just before it', async () => {
    const { received } = await listen();
    commit(ends(1000));
    await passes(980);

    commit({ version: 1 });
    await passes(1000);

    expect(received.map(({ atMs }) => atMs)).toEqual([0, 980, 1030]);
  });

  test('is published as soon as the database answers again', async () => {
    commitUnseen({ saleEndsAt: clock(1000) });
    const { received } = await listen();

    isAway = true;
    await passes(5000);
    isAway = false;
    await passes(100);

    expect(received).toHaveLength(1);
  });
});

describe('products and subscribers', () => {
  test('a product without a subscriber costs nothing: no timer, no read', async () => {
    commit({ version: 9, saleStartsAt: clock(1000) });
    await passes(0);

    expect([jest.getTimerCount(), reads.length]).toEqual([0, 0]);
  });

  test('no timer runs after the last subscriber has unsubscribed', async () => {
    commitUnseen({ saleStartsAt: clock(100_000) });
    const anna = await listen();
    const ben = await listen();
    commit({ version: 1 });
    await passes(0);

    anna.leave();
    const timersWithBen = jest.getTimerCount();
    commit({ version: 2 });
    await passes(50);
    ben.leave();
    const timersWithNobody = jest.getTimerCount();
    commit({ version: 3 });
    await passes(1000);

    expect(anna.versions()).toEqual([1]);
    expect(ben.versions()).toEqual([1, 2]);
    expect([timersWithBen, timersWithNobody]).toEqual([2, 0]);
    expect(feed.watched()).toEqual([]);
  });

  test('a subscriber that unsubscribes while the database is unavailable leaves no timer', async () => {
    const { leave } = await listen();
    isAway = true;
    commit({ version: 1 });
    await passes(10);

    leave();
    await passes(1000);

    expect(jest.getTimerCount()).toBe(0);
  });

  test('a subscriber that arrives after all have unsubscribed receives the next change at once', async () => {
    const first = await listen();
    commit({ version: 5 });
    await passes(0);
    first.leave();

    const second = await listen();
    commit({ version: 6 });
    await passes(0);

    expect(second.received).toEqual([{ version: 6, atMs: 0 }]);
  });

  test('a load returns the requested products that exist, in the order of the read', async () => {
    committed.set(1, madeProduct(1));
    committed.set(2, madeProduct(2));

    const [ones, twos, none] = await Promise.all([
      feed.load([1]),
      feed.load([2, 3]),
      feed.load([]),
    ]);

    expect([ones, twos, none].map((found) => found!.map(({ id }) => id))).toEqual([[1], [2], []]);
  });

  test('the watched products are those that have a subscriber', async () => {
    const { leave } = await listen(1);
    await listen(2);
    await listen(2);
    leave();

    expect(feed.watched()).toEqual([2]);
  });
});
