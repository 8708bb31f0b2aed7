import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Report } from './screens-process.ts';
import type { Bench } from './live-cells.ts';
import { createHold } from './operations.ts';
import type { Screens } from './screens.ts';
import { Connections, type BenchServer } from './server.ts';

/** The interval of a steady sale: shorter than the publisher's interval between messages. */
export const HOLD_EVERY_MS = 25;

/** Makes a hold every 25 ms until it is stopped; returns how many it made. */
export function sellSteadily(server: BenchServer, productId: string): () => Promise<number> {
  const connections = new Connections(server.url, 8);
  const operation = createHold(productId);
  const answers: Promise<string>[] = [];
  const timer = setInterval(() => {
    answers.push(
      connections
        .post('/graphql', operation.body())
        .then(({ status, body }) => operation.outcome(status, body)),
    );
  }, HOLD_EVERY_MS);
  return async () => {
    clearInterval(timer);
    const outcomes = await Promise.all(answers);
    connections.close();
    if (outcomes.some((outcome) => outcome !== 'Hold'))
      throw new Error(`Answers: ${outcomes.join()}`);
    return outcomes.length;
  };
}

/** When each version of a product was committed (a moment before, to be exact), from the first on. */
export async function commits(database: pg.Client, productId: string) {
  const { rows } = await database.query<{ version: number; at: number }>(
    'select version, extract(epoch from at)::float8 * 1000 as at from stock_movements where product_id = $1 order by version',
    [productId],
  );
  return { first: rows[0]!.version, committedAt: rows.map(({ at }) => at) };
}

/** The product's version in the database. */
export async function versionOf(database: pg.Client, productId: string): Promise<number> {
  const { rows } = await database.query<{ version: number }>(
    'select version from stock_levels where product_id = $1',
    [productId],
  );
  return rows[0]!.version;
}

/** Waits until every screen that is open has the database's version. @throws where one has not */
export async function converge(
  { database }: Bench,
  screens: Screens,
  productId: string,
): Promise<Report> {
  const version = await versionOf(database, productId);
  const known = await commits(database, productId);
  for (let attempt = 0; ; attempt += 1) {
    await delay(100);
    const report = await screens.count(known.first, known.committedAt);
    if (report.decreases > 0) throw new Error(`${report.decreases} versions decreased.`);
    const behind = report.lastVersions.filter((last) => last !== null && last !== version);
    if (behind.length === 0) return report;
    if (attempt > 100) throw new Error(`${behind.length} screens are not at ${version}.`);
  }
}

export async function heldOf(database: pg.Client, productId: string): Promise<number> {
  const { rows } = await database.query<{ held: number }>(
    'select count(*)::int as held from holds where product_id = $1',
    [productId],
  );
  return rows[0]!.held;
}
