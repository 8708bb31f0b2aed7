import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { cpus, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { tables } from '../../mikro-orm.config.ts';
import { Closers } from '../lib/closers.ts';
import { silentLog } from '../lib/log.ts';
import { VERSION } from '../lib/version.ts';
import { connectDatabase, type Database } from '../postgres/database.ts';
import { findDiscrepancies, type Progress } from '../shop/reconciliation/reconcile.ts';
import { readStatus } from '../shop/reconciliation/read-status.ts';
import { countStock } from '../shop/stock/count-stock.ts';
import { Buyer } from './buyers/buyer.ts';
import { Client } from './buyers/client.ts';
import { SaleRun } from './buyers/sale-run.ts';
import { injectAll } from './faults.ts';
import type { RehearsalOptions } from './options.ts';
import { planBuyers } from './plan.ts';
import { openProduct } from './product.ts';
import type { BuyerEnd, FinalState, Machine, Recording } from './report/recording.ts';
import { Sampler } from './sampler.ts';
import { openScratch, type Scratch } from './scratch.ts';
import { Servers } from './servers.ts';

/** Sessions of the rehearsal: one samples, the others lock a row and audit. */
const SESSIONS = 4;

/** Poll for the end of all holds and orders, by the sweeps of the servers. */
const SETTLE_POLL_MS = 100;

/** Longest time from the last deadline to that end. */
const SETTLE_MS = 30_000;

/** What a rehearsal needs besides its options. */
export interface RehearsalContext {
  /** The database settings of the user's PostgreSQL; used where the options say so. */
  readonly ownDatabase: Readonly<Record<string, string>> | undefined;
  /** Called with the number of buyers that have ended. */
  readonly progress: Progress;
  /** Stops the rehearsal: everything that it started ends, and its database is removed. */
  readonly signal: AbortSignal;
}

/**
 * Rehearses a sale on a scratch database with server processes of its own, and records it.
 *
 * @throws AbortError where the signal stops it
 */
export async function rehearse(
  options: RehearsalOptions,
  { ownDatabase, progress, signal: stopped }: RehearsalContext,
): Promise<Recording> {
  const closers = new Closers();
  const ended = new AbortController();
  const signal = AbortSignal.any([stopped, ended.signal]);
  // Each buyer that pauses listens to it.
  setMaxListeners(0, signal);
  try {
    const own = options.database === 'own' ? ownDatabase : undefined;
    const isSlowable = options.faults.some(({ kind }) => kind === 'slow');
    const scratch = await openScratch({ own, isSlowable }, closers);
    signal.throwIfAborted();
    const stage = await openStage(options, scratch, closers, signal);
    return await perform(stage, options, { progress, signal });
  } finally {
    ended.abort();
    await closers.close();
  }
}

/** What is ready before the sale begins. */
interface Stage {
  readonly scratch: Scratch;
  readonly servers: Servers;
  readonly database: Database;
  readonly client: Client;
  readonly secrets: Secrets;
  readonly closers: Closers;
}

interface Secrets {
  readonly adminToken: string;
  readonly webhookSecret: string;
}

async function openStage(
  options: RehearsalOptions,
  scratch: Scratch,
  closers: Closers,
  signal: AbortSignal,
): Promise<Stage> {
  const random = (): string => randomBytes(24).toString('base64');
  const secrets = { adminToken: random(), webhookSecret: `whsec_${random()}` };
  const settings = {
    ...options.settings,
    ...scratch.settings,
    DATA_DIR: scratch.folder,
    ADMIN_TOKEN: secrets.adminToken,
    PAYMENT_WEBHOOK_SECRETS: secrets.webhookSecret,
    HOLD_TOKEN_SECRETS: random(),
    HOLD_TTL_SECONDS: String(options.holdSeconds),
    ORDER_PAYMENT_TTL_SECONDS: String(options.paymentSeconds),
    SEED_DEMO: 'false',
    LOG_LEVEL: 'error',
    SHUTDOWN_GRACE_SECONDS: '1',
  };
  const servers = await Servers.create(options.servers, { folder: scratch.folder, settings });
  closers.push('the servers', () => servers.stop());
  await servers.start(signal);
  const { connection } = scratch;
  const database = await connectDatabase(tables, { connection, poolMax: SESSIONS, log: silentLog });
  closers.push('the sessions', () => database.close());
  const connections = Math.min(options.connections, options.buyers * 2);
  const client = new Client(servers.urls, connections);
  closers.push('the buyers', () => client.close());
  await client.open(Math.min(connections, options.buyers));
  return { scratch, servers, database, client, secrets, closers };
}

interface Performing {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function perform(
  { scratch, servers, database, client, secrets, closers }: Stage,
  options: RehearsalOptions,
  { progress, signal }: Performing,
): Promise<Recording> {
  const { adminToken, webhookSecret } = secrets;
  const opening = await openProduct(servers.urls[0]!, adminToken, options);
  const run = `rehearsal-${randomBytes(6).toString('hex')}`;
  const sale = new SaleRun({ client, options, ...opening, run, webhookSecret, signal });
  const productId = Number(opening.productId);
  const now = (): number => sale.now();
  const sampler = new Sampler({
    database,
    productId,
    urls: servers.urls,
    serverPids: () => servers.pids,
    postgresParent: scratch.postgresParent,
    now,
  });
  closers.push('the sampler', () => sampler.stop());
  sampler.start();
  const { delay: answers } = scratch;
  const target = { servers, database, productId, delay: answers, now, signal };
  const [buyers, faults] = await Promise.all([
    playAll(sale, options, progress),
    injectAll(options.faults, target),
  ]);
  const deadlineMs = Math.max(options.holdSeconds, options.paymentSeconds) * 1000;
  await settled(database, productId, { deadlineMs, signal });
  await sampler.stop();
  const { calls, claims, contradictions, refunds } = sale;
  return {
    openedAt: opening.opensAt.toISOString(),
    machine: await machineOf(database),
    calls,
    claims,
    buyers,
    samples: sampler.samples,
    faults,
    contradictions,
    connectionWaits: client.waits,
    refunds,
    final: await finalState(database, productId),
  };
}

async function playAll(
  sale: SaleRun,
  options: RehearsalOptions,
  progress: Progress,
): Promise<BuyerEnd[]> {
  let done = 0;
  return Promise.all(
    planBuyers(options).map(async (plan) => {
      const end = await new Buyer(sale, plan).play();
      done += 1;
      progress(done, options.buyers);
      return end;
    }),
  );
}

/** Waits until the sweeps have ended every hold and order without a payment. */
async function settled(
  database: Database,
  productId: number,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let [lastHeld, changedAt] = [-1, performance.now()];
  for (;;) {
    const [stock] = await countStock({ database }, [productId]);
    if (stock!.held === 0) return;
    if (stock!.held !== lastHeld) [lastHeld, changedAt] = [stock!.held, performance.now()];
    // Units that stay held are a finding of the report.
    if (performance.now() - changedAt > deadlineMs + SETTLE_MS) return;
    await delay(SETTLE_POLL_MS, undefined, { signal });
  }
}

async function finalState(database: Database, productId: number): Promise<FinalState> {
  const [stock] = await countStock({ database }, [productId]);
  const { total, available, held, sold } = stock!;
  const { findings } = await findDiscrepancies({ database });
  const { openRefunds } = await readStatus({ database });
  return {
    stock: { total, available, held, sold },
    audit: { balanced: findings.length === 0, findings },
    openRefunds: openRefunds.count,
  };
}

async function machineOf(database: Database): Promise<Machine> {
  const { database: about } = await readStatus({ database });
  return {
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    postgres: about.version,
    version: VERSION,
  };
}
