import { cpuSeconds } from '../src/rehearsal/cpu.ts';
import { roundOf, type Round } from './figures.ts';
import { Buyers, type Extent, type Operation, type Run } from './load.ts';
import { audit, EMPTY, makeProduct, productQuery } from './operations.ts';
import {
  cancelOrder,
  createOrder,
  hold,
  orderQuery,
  prepareHolds,
  prepareOrders,
  releaseHold,
  SERVED,
  wholePurchase,
  webhook,
  type PurchaseOperation,
} from './purchase-operations.ts';
import type { BenchServer } from './server.ts';

/** Units of a product that no run sells out. */
const STOCK = 1_000_000;

/** How much one round of a subject does: a time, or a number of requests where they use up purchases. */
export interface Amount {
  readonly forMs: number;
  readonly requests: number;
}

/** What a run needs, and how its result is verified. */
interface Prepared {
  readonly operation: Operation;
  readonly extent: Extent;
  readonly check?: (run: Run) => Promise<void>;
}

/** What is measured: the server, its requests, and from how many connections they come. */
export interface Subject {
  readonly what: string;
  readonly buyers: number;
  readonly server: BenchServer;
  readonly prepare: (amount: Amount) => Promise<Prepared>;
}

/** The units that one request of a run leaves held and sold. */
interface Units {
  readonly held: number;
  readonly sold: number;
}

/** Requests that use up holds or orders; those of one round have a product of their own. */
interface UsingUp {
  readonly operation: PurchaseOperation;
  readonly prepare: typeof prepareHolds;
  readonly leaves: Units;
}

const HELD: Units = { held: 1, sold: 0 };
const SOLD: Units = { held: 0, sold: 1 };
const AVAILABLE: Units = { held: 0, sold: 0 };

const USING_UP = {
  createOrder: { operation: createOrder, prepare: prepareHolds, leaves: HELD },
  releaseHold: { operation: releaseHold, prepare: prepareHolds, leaves: AVAILABLE },
  cancelOrder: { operation: cancelOrder, prepare: prepareOrders, leaves: AVAILABLE },
  webhook: { operation: webhook, prepare: prepareOrders, leaves: SOLD },
} satisfies Record<string, UsingUp>;

/** Verifies the units of a product by the number of answers that were served. */
const auditOf =
  (server: BenchServer, productId: string, { held, sold }: Units) =>
  (run: Run): Promise<void> => {
    const served = run.outcomes[SERVED] ?? 0;
    return audit(server, productId, held * served, sold * served);
  };

function usingUp(verb: keyof typeof USING_UP, server: BenchServer): Subject['prepare'] {
  const { operation, prepare, leaves } = USING_UP[verb];
  return async ({ requests }) => {
    const productId = await makeProduct(server, STOCK);
    const purchases = await prepare(server, productId, requests);
    const check = auditOf(server, productId, leaves);
    return { operation: operation(purchases), extent: { requests }, check };
  };
}

/** Requests that need nothing before them; those of one round have a product of their own. */
function creating(
  operation: (productId: string) => Operation,
  server: BenchServer,
  { leaves, extent }: { readonly leaves: Units; readonly extent: (amount: Amount) => Extent },
): Subject['prepare'] {
  return async (amount) => {
    const productId = await makeProduct(server, STOCK);
    const check = auditOf(server, productId, leaves);
    return { operation: operation(productId), extent: extent(amount), check };
  };
}

const forItsTime = ({ forMs }: Amount): Extent => ({ forMs });

/** A purchase takes a good part of a timed round, so its rounds count purchases. */
const forItsRequests = ({ requests }: Amount): Extent => ({ requests });

const reading =
  (operation: Operation): Subject['prepare'] =>
  async ({ forMs }) => ({ operation, extent: { forMs } });

/** Orders that the status query asks for in turn. */
const ORDERS_READ = 1000;

/** The servers of one run. */
export interface Servers {
  readonly shop: BenchServer;
  /** The same server with batches of one. */
  readonly single: BenchServer;
  /** The same schema on stock Apollo and express. */
  readonly stock: BenchServer;
}

/** The verbs that batches group. */
export const VERBS = [
  'createHold',
  'createOrder',
  'webhook',
  'releaseHold',
  'cancelOrder',
] as const;

/** A verb of a buyer, or of a payment provider. */
export type Verb = (typeof VERBS)[number];

const verbOn = (verb: Verb, server: BenchServer): Subject['prepare'] =>
  verb === 'createHold'
    ? creating(hold, server, { leaves: HELD, extent: forItsTime })
    : usingUp(verb, server);

/** All subjects that are measured alone, in the order of the first round. */
export async function subjectsOn({ shop, single, stock }: Servers): Promise<Subject[]> {
  const read = await prepareOrders(shop, await makeProduct(shop, STOCK), ORDERS_READ);
  const product = productQuery(await makeProduct(stock, STOCK));
  const on = (
    what: string,
    buyers: number,
    prepare: Subject['prepare'],
    server = shop,
  ): Subject => ({
    what,
    buyers,
    server,
    prepare,
  });
  return [
    on('product, stock Apollo + express', 100, reading(product), stock),
    on('empty query', 100, reading(EMPTY)),
    ...VERBS.map((verb) => on(verb, verb === 'webhook' ? 50 : 100, verbOn(verb, shop))),
    on('webhook', 25, verbOn('webhook', shop)),
    on('order query', 100, reading(orderQuery(read))),
    on(
      'whole purchase',
      100,
      creating(wholePurchase, shop, { leaves: SOLD, extent: forItsRequests }),
    ),
    on('empty query', 1, reading(EMPTY)),
    ...VERBS.flatMap((verb) => [
      on(verb, 1, verbOn(verb, shop)),
      on(`${verb}, batches of one`, 1, verbOn(verb, single), single),
    ]),
  ];
}

/** Measures one round of a subject, and verifies its result. */
export async function measure(subject: Subject, amount: Amount): Promise<Round> {
  const { server, buyers } = subject;
  const { operation, extent, check } = await subject.prepare(amount);
  const connected = await Buyers.connect(server.url, buyers);
  try {
    const before = cpuSeconds(server.pid);
    const run = await connected.run(operation, extent);
    const after = cpuSeconds(server.pid);
    await check?.(run);
    return roundOf(run, operation.served, before, after);
  } finally {
    connected.close();
  }
}

/** Connections of the payment provider, and of the buyers beside it. */
export const BESIDE = { payments: 25, buyers: 100 } as const;

/** One round of holds and payments of one product at full speed, at the same time. */
export async function measureBeside(
  server: BenchServer,
  { requests }: Amount,
): Promise<{ readonly holds: Round; readonly payments: Round }> {
  const productId = await makeProduct(server, STOCK);
  const paying = webhook(await prepareOrders(server, productId, requests));
  const provider = await Buyers.connect(server.url, BESIDE.payments);
  const buyers = await Buyers.connect(server.url, BESIDE.buyers);
  try {
    let arePaying = true;
    const payments = provider.run(paying, { requests }).finally(() => (arePaying = false));
    const holds = buyers.run(hold(productId), { while: () => arePaying });
    const [paid, held] = await Promise.all([payments, holds]);
    await audit(server, productId, held.outcomes[SERVED] ?? 0, requests);
    return { holds: roundOf(held, SERVED), payments: roundOf(paid, SERVED) };
  } finally {
    provider.close();
    buyers.close();
  }
}

/** Buyers of a whole sale. */
const SALE_BUYERS = 500;

/** Sells all units by whole purchases, and answers three times as many empty requests; in milliseconds. */
export async function measureSale(
  server: BenchServer,
  units: number,
): Promise<{ readonly saleMs: number; readonly emptyMs: number }> {
  const productId = await makeProduct(server, units);
  const buyers = await Buyers.connect(server.url, SALE_BUYERS);
  try {
    const empty = await buyers.run(EMPTY, { requests: 3 * units });
    const sale = await buyers.run(wholePurchase(productId), { requests: units });
    await audit(server, productId, 0, units);
    return { saleMs: sale.tookMs, emptyMs: empty.tookMs };
  } finally {
    buyers.close();
  }
}
