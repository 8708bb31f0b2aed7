import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import {
  noopObserver,
  BatchQueue,
  BatchQueues,
  type BatchQueueOptions,
} from '../../src/lib/batch-queue.ts';

/** Lets all that is ready run: the lane leaves at the end of a turn of the event loop. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A commit whose every batch waits until the test lets it go. */
class Commits {
  readonly batches: string[][] = [];
  readonly #open: PromiseWithResolvers<void>[] = [];
  #inFlight = 0;
  inFlightMax = 0;

  readonly commit = async (batch: readonly string[]): Promise<readonly string[]> => {
    const gate = Promise.withResolvers<void>();
    this.batches.push([...batch]);
    this.#open.push(gate);
    this.#inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.#inFlight);
    try {
      await gate.promise;
    } finally {
      this.#inFlight -= 1;
    }
    return batch.map((request) => `${request} served`);
  };

  async succeed(): Promise<void> {
    this.#open.shift()!.resolve();
    await turn();
    // Its answers are given a turn after the next batch has left.
    await turn();
  }

  async fail(error: unknown): Promise<void> {
    this.#open.shift()!.reject(error);
    await turn();
  }
}

const limits: BatchQueueOptions = {
  batchMax: 100,
  queueMax: 100,
  waitMaxMs: 60_000,
  observer: noopObserver,
};

function openLane(more: Partial<BatchQueueOptions> = {}) {
  const commits = new Commits();
  let idle = 0;
  const lane = new BatchQueue(
    commits.commit,
    { ...limits, ...more },
    {
      onIdle: () => {
        idle += 1;
      },
    },
  );
  return { commits, lane, idleTimes: () => idle };
}

/** What became of an answer, "waits" while nothing has. */
function watch(answer: Promise<string>): { readonly outcome: () => string } {
  let outcome = 'waits';
  answer.then(
    (text) => (outcome = text),
    (error: Error) => (outcome = `${error.name}: ${error.message}`),
  );
  return { outcome: () => outcome };
}

test('buyers who come in one turn ride together, and each gets his own answer', async () => {
  const { commits, lane } = openLane();

  const answers = ['anna', 'ben', 'carl'].map((name) => lane.submit(name));
  await turn();
  await commits.succeed();

  expect(commits.batches).toEqual([['anna', 'ben', 'carl']]);
  expect(await Promise.all(answers)).toEqual(['anna served', 'ben served', 'carl served']);
});

test('one batch is in flight, and those who come meanwhile share the next', async () => {
  const { commits, lane } = openLane();

  const answers = [lane.submit('anna')];
  await turn();
  answers.push(lane.submit('ben'));
  await turn();
  answers.push(lane.submit('carl'));
  await turn();
  const whileInFlight = structuredClone(commits.batches);
  await commits.succeed();
  await commits.succeed();

  expect(whileInFlight).toEqual([['anna']]);
  expect(commits.batches).toEqual([['anna'], ['ben', 'carl']]);
  expect(commits.inFlightMax).toBe(1);
  expect(await Promise.all(answers)).toEqual(['anna served', 'ben served', 'carl served']);
});

test('the next batch is on its way before the answers of the last are given', async () => {
  const { commits, lane } = openLane();
  const seen: number[] = [];
  const first = lane.submit('first').then(() => seen.push(commits.batches.length));
  await turn();
  const second = lane.submit('second');

  await commits.succeed();
  await first;

  expect(seen).toEqual([2]);
  await commits.succeed();
  await second;
});

test('5 buyers in batches of 2 are 3 batches, first come, first served', async () => {
  const { commits, lane } = openLane({ batchMax: 2 });

  const answers = ['1', '2', '3', '4', '5'].map((name) => lane.submit(name));
  await turn();
  for (let batch = 0; batch < 3; batch += 1) await commits.succeed();

  expect(commits.batches).toEqual([['1', '2'], ['3', '4'], ['5']]);
  expect(commits.inFlightMax).toBe(1);
  expect(await Promise.all(answers)).toHaveLength(5);
});

test('the third to wait where 2 may is told at once that it is busy, and the 2 are served', async () => {
  const { commits, lane } = openLane({ queueMax: 2 });
  const first = lane.submit('first');
  await turn();

  const waiting = [lane.submit('anna'), lane.submit('ben')];
  const refused = lane.submit('carl');

  await expect(refused).rejects.toThrow(BusyFault);
  await expect(refused).rejects.toThrow('Queue full for this product; no changes were made.');
  await commits.succeed();
  const room = lane.submit('dora');
  await commits.succeed();
  await commits.succeed();
  expect(await Promise.all([first, ...waiting, room])).toHaveLength(4);
  expect(commits.batches).toEqual([['first'], ['anna', 'ben'], ['dora']]);
});

test('whoever has waited too long is told that the shop is busy, while the batch before is still under way', async () => {
  const { commits, lane } = openLane({ waitMaxMs: 20 });
  const first = watch(lane.submit('first'));
  await turn();
  const waiting = [lane.submit('second'), lane.submit('third')];

  const outcomes = await Promise.allSettled(waiting);
  const late = watch(lane.submit('late'));
  await commits.succeed();
  await commits.succeed();

  expect(outcomes).toEqual(
    Array(2).fill({ status: 'rejected', reason: expect.any(BusyFault) as BusyFault }),
  );
  expect([first.outcome(), late.outcome()]).toEqual(['first served', 'late served']);
  expect(commits.batches).toEqual([['first'], ['late']]);
});

test('where a batch fails for no fault of the world each of it is tried alone, and only the guilty fails', async () => {
  const { commits, lane } = openLane();
  const answers = ['anna', 'broken', 'carl'].map((name) => watch(lane.submit(name)));
  await turn();
  const behind = watch(lane.submit('dora'));

  await commits.fail(new Error('broken'));
  await commits.succeed();
  await commits.fail(new Error('broken'));
  await commits.succeed();
  await commits.succeed();

  expect(commits.batches).toEqual([
    ['anna', 'broken', 'carl'],
    ['anna'],
    ['broken'],
    ['carl'],
    ['dora'],
  ]);
  expect(answers.map(({ outcome }) => outcome())).toEqual([
    'anna served',
    'Error: broken',
    'carl served',
  ]);
  expect(behind.outcome()).toBe('dora served');
  expect(commits.inFlightMax).toBe(1);
});

test('where the lock is not had the whole batch is busy, and those behind it too, at once', async () => {
  const { commits, lane } = openLane();
  const riding = ['anna', 'ben'].map((name) => watch(lane.submit(name)));
  await turn();
  const behind = ['carl', 'dora'].map((name) => watch(lane.submit(name)));

  await commits.fail(new BusyFault('The lock was not available.'));
  const later = watch(lane.submit('emil'));
  await turn();
  await commits.succeed();

  expect([...riding, ...behind].map(({ outcome }) => outcome())).toEqual(
    Array(4).fill('BusyFault: The lock was not available.'),
  );
  expect(commits.batches).toEqual([['anna', 'ben'], ['emil']]);
  expect(later.outcome()).toBe('emil served');
});

test('where the database is away the batch fails whole, and those behind it are tried', async () => {
  const { commits, lane } = openLane();
  const riding = ['anna', 'ben'].map((name) => watch(lane.submit(name)));
  await turn();
  const behind = watch(lane.submit('carl'));

  await commits.fail(new UnavailableFault('The database is away.'));
  await commits.succeed();

  expect(riding.map(({ outcome }) => outcome())).toEqual(
    Array(2).fill('UnavailableFault: The database is away.'),
  );
  expect(commits.batches).toEqual([['anna', 'ben'], ['carl']]);
  expect(behind.outcome()).toBe('carl served');
});

test('a commit that throws before its first wait fails its batch like any other', async () => {
  const lane = new BatchQueue<string, string>(
    () => {
      throw new Error('broken');
    },
    limits,
    { onIdle: () => {} },
  );

  await expect(lane.submit('anna')).rejects.toThrow('broken');
  await expect(lane.submit('ben')).rejects.toThrow('broken');
});

test('the lane is idle once nothing is in flight and nobody waits, and works again after', async () => {
  const { commits, lane, idleTimes } = openLane();

  const first = lane.submit('anna');
  await turn();
  const second = lane.submit('ben');
  await commits.succeed();
  const whileOneWaits = idleTimes();
  await commits.succeed();
  const afterBoth = idleTimes();
  const third = lane.submit('carl');
  await turn();
  await commits.succeed();

  expect([whileOneWaits, afterBoth, idleTimes()]).toEqual([0, 1, 2]);
  expect(await Promise.all([first, second, third])).toHaveLength(3);
});

describe('the lanes of all products', () => {
  /** A commit that answers with its product and how many rode along. */
  const openLanes = (more: Partial<BatchQueueOptions> = {}) => {
    const batches: string[] = [];
    const gate = Promise.withResolvers<void>();
    const lanes = new BatchQueues<number, string, string>(
      async (productId, batch) => {
        batches.push(`${productId}: ${batch.join(' ')}`);
        await gate.promise;
        return batch.map((request) => `${request} of ${productId}`);
      },
      { ...limits, ...more },
    );
    return { lanes, batches, free: gate.resolve };
  };

  test('buyers of different products do not wait for each other', async () => {
    const { lanes, batches, free } = openLanes();

    const answers = [lanes.submit(1, 'anna'), lanes.submit(2, 'ben'), lanes.submit(1, 'carl')];
    await turn();
    const inFlight = [...batches];
    free();

    expect(inFlight).toEqual(['1: anna carl', '2: ben']);
    expect(await Promise.all(answers)).toEqual(['anna of 1', 'ben of 2', 'carl of 1']);
  });

  test('with batches of 1 each request goes at once, however many are in flight', async () => {
    const { lanes, batches, free } = openLanes({ batchMax: 1, queueMax: 1 });

    const answers = ['anna', 'ben', 'carl'].map((name) => lanes.submit(1, name));
    const inFlight = [...batches];
    free();

    expect(inFlight).toEqual(['1: anna', '1: ben', '1: carl']);
    expect(await Promise.all(answers)).toEqual(['anna of 1', 'ben of 1', 'carl of 1']);
  });

  test('a lane is dropped when idle: a product sold out long ago costs nothing', async () => {
    const lanes = new BatchQueues<object, string, string>(async (_product, batch) => batch, limits);
    const serveOne = async (): Promise<WeakRef<object>> => {
      const product = {};
      await lanes.submit(product, 'anna');
      return new WeakRef(product);
    };

    const product = await serveOne();
    for (let round = 0; round < 20 && product.deref() !== undefined; round += 1) {
      await turn();
      collectGarbage();
    }

    expect(product.deref()).toBeUndefined();
    expect(await lanes.submit({}, 'ben')).toBe('ben');
  });
});
