import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import {
  noopObserver,
  BatchQueue,
  BatchQueues,
  type BatchQueueOptions,
} from '../../src/lib/batch-queue.ts';

/** Waits one turn of the event loop, at whose end the queue starts a batch. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A commit that waits until the test completes it. */
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
    // The queue resolves answers one turn after it starts the next batch.
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

function openQueue(more: Partial<BatchQueueOptions> = {}) {
  const commits = new Commits();
  let idle = 0;
  const queue = new BatchQueue(
    commits.commit,
    { ...limits, ...more },
    {
      onIdle: () => {
        idle += 1;
      },
    },
  );
  return { commits, queue, idleTimes: () => idle };
}

/** The outcome of an answer, "waits" while it is pending. */
function watch(answer: Promise<string>): { readonly outcome: () => string } {
  let outcome = 'waits';
  answer.then(
    (text) => (outcome = text),
    (error: Error) => (outcome = `${error.name}: ${error.message}`),
  );
  return { outcome: () => outcome };
}

test('requests of one turn share a batch, and each gets its own answer', async () => {
  const { commits, queue } = openQueue();

  const answers = ['anna', 'ben', 'carl'].map((name) => queue.submit(name));
  await turn();
  await commits.succeed();

  expect(commits.batches).toEqual([['anna', 'ben', 'carl']]);
  expect(await Promise.all(answers)).toEqual(['anna served', 'ben served', 'carl served']);
});

test('one batch is in flight, and later requests share the next', async () => {
  const { commits, queue } = openQueue();

  const answers = [queue.submit('anna')];
  await turn();
  answers.push(queue.submit('ben'));
  await turn();
  answers.push(queue.submit('carl'));
  await turn();
  const whileInFlight = structuredClone(commits.batches);
  await commits.succeed();
  await commits.succeed();

  expect(whileInFlight).toEqual([['anna']]);
  expect(commits.batches).toEqual([['anna'], ['ben', 'carl']]);
  expect(commits.inFlightMax).toBe(1);
  expect(await Promise.all(answers)).toEqual(['anna served', 'ben served', 'carl served']);
});

test('the next batch starts before the answers of the last one are resolved', async () => {
  const { commits, queue } = openQueue();
  const seen: number[] = [];
  const first = queue.submit('first').then(() => seen.push(commits.batches.length));
  await turn();
  const second = queue.submit('second');

  await commits.succeed();
  await first;

  expect(seen).toEqual([2]);
  await commits.succeed();
  await second;
});

test('5 requests in batches of 2 are 3 batches, in order of arrival', async () => {
  const { commits, queue } = openQueue({ batchMax: 2 });

  const answers = ['1', '2', '3', '4', '5'].map((name) => queue.submit(name));
  await turn();
  for (let batch = 0; batch < 3; batch += 1) await commits.succeed();

  expect(commits.batches).toEqual([['1', '2'], ['3', '4'], ['5']]);
  expect(commits.inFlightMax).toBe(1);
  expect(await Promise.all(answers)).toHaveLength(5);
});

test('with a queue of 2 the third waiting request is refused at once, and the 2 are served', async () => {
  const { commits, queue } = openQueue({ queueMax: 2 });
  const first = queue.submit('first');
  await turn();

  const waiting = [queue.submit('anna'), queue.submit('ben')];
  const refused = queue.submit('carl');

  await expect(refused).rejects.toThrow(BusyFault);
  await expect(refused).rejects.toThrow('Queue full for this product; no changes were made.');
  await commits.succeed();
  const room = queue.submit('dora');
  await commits.succeed();
  await commits.succeed();
  expect(await Promise.all([first, ...waiting, room])).toHaveLength(4);
  expect(commits.batches).toEqual([['first'], ['anna', 'ben'], ['dora']]);
});

test('a request that waits too long is refused as busy, while the batch before it is in flight', async () => {
  const { commits, queue } = openQueue({ waitMaxMs: 20 });
  const first = watch(queue.submit('first'));
  await turn();
  const waiting = [queue.submit('second'), queue.submit('third')];

  const outcomes = await Promise.allSettled(waiting);
  const late = watch(queue.submit('late'));
  await commits.succeed();
  await commits.succeed();

  expect(outcomes).toEqual(
    Array(2).fill({ status: 'rejected', reason: expect.any(BusyFault) as BusyFault }),
  );
  expect([first.outcome(), late.outcome()]).toEqual(['first served', 'late served']);
  expect(commits.batches).toEqual([['first'], ['late']]);
});

test('after a bug in a batch each request runs alone, and only the faulty one fails', async () => {
  const { commits, queue } = openQueue();
  const answers = ['anna', 'broken', 'carl'].map((name) => watch(queue.submit(name)));
  await turn();
  const behind = watch(queue.submit('dora'));

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

test('when the lock times out the whole batch and the waiting requests are busy at once', async () => {
  const { commits, queue } = openQueue();
  const inFlight = ['anna', 'ben'].map((name) => watch(queue.submit(name)));
  await turn();
  const behind = ['carl', 'dora'].map((name) => watch(queue.submit(name)));

  await commits.fail(new BusyFault('The lock was not available.'));
  const later = watch(queue.submit('emil'));
  await turn();
  await commits.succeed();

  expect([...inFlight, ...behind].map(({ outcome }) => outcome())).toEqual(
    Array(4).fill('BusyFault: The lock was not available.'),
  );
  expect(commits.batches).toEqual([['anna', 'ben'], ['emil']]);
  expect(later.outcome()).toBe('emil served');
});

test('when the database is unavailable the batch fails as a whole, and the waiting requests run', async () => {
  const { commits, queue } = openQueue();
  const inFlight = ['anna', 'ben'].map((name) => watch(queue.submit(name)));
  await turn();
  const behind = watch(queue.submit('carl'));

  await commits.fail(new UnavailableFault('The database is away.'));
  await commits.succeed();

  expect(inFlight.map(({ outcome }) => outcome())).toEqual(
    Array(2).fill('UnavailableFault: The database is away.'),
  );
  expect(commits.batches).toEqual([['anna', 'ben'], ['carl']]);
  expect(behind.outcome()).toBe('carl served');
});

test('a commit that throws synchronously fails its batch', async () => {
  const queue = new BatchQueue<string, string>(
    () => {
      throw new Error('broken');
    },
    limits,
    { onIdle: () => {} },
  );

  await expect(queue.submit('anna')).rejects.toThrow('broken');
  await expect(queue.submit('ben')).rejects.toThrow('broken');
});

test('the queue is idle when nothing is in flight or waiting, and works again later', async () => {
  const { commits, queue, idleTimes } = openQueue();

  const first = queue.submit('anna');
  await turn();
  const second = queue.submit('ben');
  await commits.succeed();
  const whileOneWaits = idleTimes();
  await commits.succeed();
  const afterBoth = idleTimes();
  const third = queue.submit('carl');
  await turn();
  await commits.succeed();

  expect([whileOneWaits, afterBoth, idleTimes()]).toEqual([0, 1, 2]);
  expect(await Promise.all([first, second, third])).toHaveLength(3);
});

describe('the queues of all products', () => {
  /** A commit that records its product and its requests. */
  const openQueues = (more: Partial<BatchQueueOptions> = {}) => {
    const batches: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queues = new BatchQueues<number, string, string>(
      async (productId, batch) => {
        batches.push(`${productId}: ${batch.join(' ')}`);
        await gate.promise;
        return batch.map((request) => `${request} of ${productId}`);
      },
      { ...limits, ...more },
    );
    return { queues, batches, free: gate.resolve };
  };

  test('requests for different products do not wait for each other', async () => {
    const { queues, batches, free } = openQueues();

    const answers = [queues.submit(1, 'anna'), queues.submit(2, 'ben'), queues.submit(1, 'carl')];
    await turn();
    const inFlight = [...batches];
    free();

    expect(inFlight).toEqual(['1: anna carl', '2: ben']);
    expect(await Promise.all(answers)).toEqual(['anna of 1', 'ben of 2', 'carl of 1']);
  });

  test('with batches of 1 each request starts at once, and any number are in flight', async () => {
    const { queues, batches, free } = openQueues({ batchMax: 1, queueMax: 1 });

    const answers = ['anna', 'ben', 'carl'].map((name) => queues.submit(1, name));
    const inFlight = [...batches];
    free();

    expect(inFlight).toEqual(['1: anna', '1: ben', '1: carl']);
    expect(await Promise.all(answers)).toEqual(['anna of 1', 'ben of 1', 'carl of 1']);
  });

  test('an idle queue is dropped: a sold-out product needs no memory', async () => {
    const queues = new BatchQueues<object, string, string>(
      async (_product, batch) => batch,
      limits,
    );
    const serveOne = async (): Promise<WeakRef<object>> => {
      const product = {};
      await queues.submit(product, 'anna');
      return new WeakRef(product);
    };

    const product = await serveOne();
    for (let round = 0; round < 20 && product.deref() !== undefined; round += 1) {
      await turn();
      collectGarbage();
    }

    expect(product.deref()).toBeUndefined();
    expect(await queues.submit({}, 'ben')).toBe('ben');
  });
});
