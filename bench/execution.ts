import 'reflect-metadata';
import { parse, type DocumentNode, type ExecutionArgs } from 'graphql';
import { newId } from '../src/lib/ids.ts';
import { silentLog } from '../src/lib/log.ts';
import type { LiveShop } from '../src/live/live-shop.ts';
import { Context } from '../src/server/graphql/context.ts';
import { compilingExecute } from '../src/server/graphql/http/executor.ts';
import { buildShopSchema } from '../src/server/graphql/schema/schema.ts';
import { RateLimits } from '../src/server/http/rate-limits.ts';
import { noopMetrics } from '../src/server/metrics/meters.ts';
import { HoldTokens } from '../src/shop/purchases/hold-token.ts';
import type { Hold } from '../src/shop/purchases/reads/find-purchases.ts';
import type { StockedProduct } from '../src/shop/stock/find-stocked.ts';
import { spread } from './figures.ts';
import { createHold, productQuery } from './operations.ts';
import { table } from './report.ts';
import { machine } from './server.ts';

/*
 * npm run bench:execution: the CPU of executing the two most frequent operations, compiled and by
 * graphql-js, with a shop that answers from memory. Rounds alternate. It also measures when compiling
 * has paid for itself.
 */

const ROUNDS = 9;
const EXECUTIONS = 10_000;
const COMPILATIONS = 200;

const schema = buildShopSchema();
const at = new Date();
const later = new Date(at.getTime() + 120_000);

const product: StockedProduct = {
  id: 1,
  name: 'Hot product',
  description: null,
  priceMinor: 2999n,
  currency: 'USD',
  maxPerHold: 10,
  maxPerCustomer: 10,
  saleStartsAt: null,
  saleEndsAt: null,
  salePaused: false,
  imageUrl: null,
  createdAt: at,
  updatedAt: at,
  readAt: at,
  stock: {
    productId: 1,
    version: 7,
    total: 100,
    available: 90,
    held: 8,
    sold: 2,
    soldOutAt: null,
    readAt: at,
  },
};

const hold: Hold = {
  id: newId(),
  orderId: newId(),
  productId: 1,
  quantity: 1,
  customerId: 'buyer',
  metadata: {},
  idempotencyKeyHash: null,
  unitPriceMinor: 2999n,
  currency: 'USD',
  status: 'ACTIVE',
  createdAt: at,
  expiresAt: later,
  heldVersion: 7,
  releasedVersion: null,
  readAt: at,
};

/** The parts of a shop that the two operations use. */
const shop = {
  log: silentLog,
  holdTokens: new HoldTokens(['a secret for the benchmark only, long enough']),
  holdQueues: { submit: () => Promise.resolve({ kind: 'answered', answer: hold }) },
  productCache: { load: () => Promise.resolve([product]) },
} as unknown as LiveShop;

const limits = new RateLimits(undefined, noopMetrics);
const caller = { requestId: 'r', address: '127.0.0.1', isAdmin: false };

/** The arguments of executing a request of the load generator, with a context of its own. */
function argumentsOf(body: string): () => ExecutionArgs {
  const { query, variables } = JSON.parse(body) as { query: string; variables: object };
  const document: DocumentNode = parse(query);
  return () => ({
    schema,
    document,
    variableValues: { ...variables },
    contextValue: new Context(shop, { caller, limits }),
  });
}

type Run = ReturnType<typeof compilingExecute>;

const plain: Run = compilingExecute({ timesBefore: Infinity });
const compiled: Run = compilingExecute({ timesBefore: 0 });

/** CPU of one execution, in microseconds. */
async function cpuUs(run: Run, newArguments: () => ExecutionArgs): Promise<number> {
  const before = process.cpuUsage();
  for (let count = 0; count < EXECUTIONS; count += 1) await run(newArguments());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / EXECUTIONS;
}

/** CPU of compiling a document, in microseconds; each is compiled at its first execution. */
async function compilingUs(body: string): Promise<number> {
  const newArguments = Array.from({ length: COMPILATIONS }, () => argumentsOf(body));
  const before = process.cpuUsage();
  for (const one of newArguments) await compiled(one());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / COMPILATIONS;
}

async function measure(what: string, body: string): Promise<string[]> {
  const newArguments = argumentsOf(body);
  const answers = [await plain(newArguments()), await compiled(newArguments())];
  const [one, other] = answers.map((answer) => JSON.stringify(answer));
  if (one !== other || one!.includes('"errors"')) throw new Error(`${one}\n${other}`);
  await cpuUs(plain, newArguments);
  await cpuUs(compiled, newArguments);
  const rounds = { plain: [] as number[], compiled: [] as number[], ratio: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.plain.push(await cpuUs(plain, newArguments));
    rounds.compiled.push(await cpuUs(compiled, newArguments));
    rounds.ratio.push(rounds.compiled.at(-1)! / rounds.plain.at(-1)!);
  }
  const compiling = await compilingUs(body);
  const [slow, fast, ratio] = [rounds.plain, rounds.compiled, rounds.ratio].map(spread);
  return [
    what,
    slow!.median.toFixed(1),
    fast!.median.toFixed(1),
    ratio!.median.toFixed(2),
    `${ratio!.min.toFixed(2)}–${ratio!.max.toFixed(2)}`,
    (compiling / 1000).toFixed(2),
    (compiling / (slow!.median - fast!.median)).toFixed(0),
  ];
}

const HEADS = [
  'CPU of an execution',
  'graphql-js µs',
  'compiled µs',
  'ratio',
  '(min–max)',
  'compiling ms',
  'pays after',
];

console.log(machine());
console.log(
  table([
    HEADS,
    await measure('createHold', createHold('1').body()),
    await measure('product query', productQuery('1').body()),
  ]),
);
