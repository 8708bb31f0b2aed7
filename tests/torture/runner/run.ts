import { OwnPostgres } from '../../support/own-postgres.ts';
import { buildServer } from '../../support/server-process.ts';
import { openSession, until } from '../../support/shop.ts';
import { checkHistory } from '../checker/check.ts';
import type { History } from '../checker/history.ts';
import { textOfMinor } from '../checker/money.ts';
import { ledgerOf, type CurrencyLedger } from '../checker/ledger.ts';
import { readRows, type Rows } from '../checker/rows.ts';
import type { Violation } from '../checker/violation.ts';
import { RecordingClient } from './client.ts';
import { inject, type Target } from './faults.ts';
import { Link } from './link.ts';
import { CREATE_PRODUCT } from './operations.ts';
import { faultsOf, PRODUCTS, taskOf, type FaultPlan, type PlanOptions } from './plan.ts';
import { Player } from './player.ts';
import { Servers } from './servers.ts';

/** Tasks that run at the same time. */
const WORKERS = 32;

/** Until all deadlines have passed and the inbox is settled, in milliseconds. */
const SETTLE_MS = 120_000;

/** Later than every deadline, that of events without an order included. */
const LAST_CLOCK = `
  create or replace function shop_clock() returns timestamptz language sql volatile as $$
    select date_trunc('milliseconds', clock_timestamp() + interval '30 hours') $$`;

const UNSETTLED = `
  select (select count(*) from holds where status = 'ACTIVE')
    + (select count(*) from orders where status = 'PENDING')
    + (select count(*) from payment_events where status = 'PARKED') as count`;

const WORKING = `
  select count(*) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;

/** The result of a run. */
export interface Run {
  readonly options: PlanOptions;
  readonly history: History;
  readonly rows: Rows;
  readonly violations: readonly Violation[];
  readonly faults: readonly FaultPlan[];
  readonly ledger: readonly CurrencyLedger[];
  /** Lines that the servers logged as errors. */
  readonly errorLines: readonly string[];
  readonly durationMs: number;
}

/** Runs servers, buyers, providers, admins and faults by a plan, and checks the recorded history. */
export async function torture(options: PlanOptions): Promise<Run> {
  buildServer();
  const startedAt = performance.now();
  await using postgres = await OwnPostgres.start();
  await using link = await Link.open(postgres.url);
  await using servers = await Servers.start(link.url, options.servers);
  const client = new RecordingClient(servers.urls);
  const products = await createProducts(client, options);
  const target = { servers, link, postgres, products };
  try {
    const faults = await play(client, target, options);
    const rows = await settledRows(postgres.url);
    return {
      options,
      history: client.calls,
      rows,
      faults,
      violations: checkHistory(client.calls, rows),
      ledger: ledgerOf(rows),
      errorLines: servers.errorLines(),
      durationMs: performance.now() - startedAt,
    };
  } finally {
    client.close();
  }
}

async function createProducts(
  client: RecordingClient,
  { operations }: PlanOptions,
): Promise<number[]> {
  const ids: number[] = [];
  for (const [index, { priceMinor, currency, maxPerCustomer, stockShare }] of PRODUCTS.entries()) {
    const result = await client.ask(0, CREATE_PRODUCT, {
      input: {
        name: `Product ${index}`,
        price: textOfMinor(priceMinor, currency),
        currency,
        maxPerCustomer,
        totalStock: Math.ceil(operations * stockShare),
      },
    });
    ids.push(Number(result!['id']));
  }
  return ids;
}

/** Plays tasks until the calls are made and every fault is healed, so that each fault meets calls. */
async function play(
  client: RecordingClient,
  target: Target,
  options: PlanOptions,
): Promise<FaultPlan[]> {
  const player = new Player(client, target.products);
  const plans = faultsOf(options);
  let isInjecting = true;
  const injecting = (async () => {
    for (const plan of plans) {
      await client.reached(plan.after);
      await inject(target, plan);
    }
  })().finally(() => (isInjecting = false));
  let next = 0;
  const work = async (): Promise<void> => {
    while (isInjecting || client.calls.length < options.operations)
      await player.play(taskOf(options, (next += 1)));
  };
  await Promise.all([injecting, ...Array.from({ length: WORKERS }, work)]);
  await target.servers.allReady();
  return plans;
}

/** Lets every deadline pass, waits until the servers' sweeps have settled everything, and reads it. */
async function settledRows(url: string): Promise<Rows> {
  await using session = await openSession(url);
  const count = async (query: string): Promise<number> =>
    Number((await session.query<{ count: string }>(query)).rows[0]!.count);
  // Calls that a frozen server still had to answer are done first.
  await until('the servers to have no work', async () => (await count(WORKING)) === 0, SETTLE_MS);
  await session.query(LAST_CLOCK);
  await until('the sweeps', async () => (await count(UNSETTLED)) === 0, SETTLE_MS);
  // Awaited here, because the session ends with this function.
  return await readRows(session);
}
