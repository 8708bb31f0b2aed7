import { setTimeout as delay } from 'node:timers/promises';
import type { OwnPostgres } from '../../support/own-postgres.ts';
import { openSession } from '../../support/shop.ts';
import type { Link } from './link.ts';
import type { FaultPlan } from './plan.ts';
import type { Servers } from './servers.ts';

/** What faults are injected into. */
export interface Target {
  readonly servers: Servers;
  readonly link: Link;
  readonly postgres: OwnPostgres;
  /** Ids of the products of the plan. */
  readonly products: readonly number[];
}

/** Longer than the lock timeout of the servers, in milliseconds. */
const LOCK_MS = 2500;

const CUT = `
  select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

/** Injects one fault and heals it; resolves once everything serves again. */
export async function inject(
  { servers, link, postgres, products }: Target,
  { kind, server, product, ms }: FaultPlan,
): Promise<void> {
  switch (kind) {
    case 'kill':
      return servers.kill(server);
    case 'cut': {
      await using session = await openSession(postgres.url);
      const { rows } = await session.query<{ count: number }>(CUT);
      if (rows[0]!.count === 0) throw new Error('There was no session to terminate.');
      return;
    }
    case 'unplug':
      // Shorter than any timeout of the servers.
      return link.breakAfterLosingAnswers(ms / 20);
    case 'freeze': {
      const thaw = servers.freeze(server);
      await delay(ms).finally(thaw);
      return;
    }
    case 'lock': {
      await using session = await openSession(postgres.url);
      await session.query('begin');
      await session.query('select from stock_levels where product_id = $1 for update', [
        products[product],
      ]);
      await delay(LOCK_MS + ms);
      await session.query('rollback');
      return;
    }
    case 'restart': {
      await postgres.stop();
      await delay(ms / 4);
      await postgres.startAgain();
      return servers.allReady();
    }
  }
}
