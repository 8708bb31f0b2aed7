import { auditStock, COMMITTED_UNITS } from './audit-stock.ts';
import { BusyFault } from '../../postgres/faults.ts';
import { unwatched, type Progress } from '../../lib/progress.ts';
import { transact } from '../../postgres/transaction.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { repairCounters, type CommittedUnits } from '../stock/repair-counters.ts';
import { checkMoney } from './check-money.ts';
import { recordAct, type Operator } from '../admin/with-audit.ts';
import { shownStock } from '../admin/audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** What a reconciliation came to. */
export interface Reconciliation {
  /** Whether everything agrees now, what was repaired included. */
  readonly balanced: boolean;
  /** One sentence for each disagreement that was found, what was repaired included. */
  readonly findings: readonly string[];
  /** Products whose counters were put right. */
  readonly repaired: number;
}

/** Most findings told one by one, and a last one that says how many there are beyond. */
const FINDINGS_MAX = 500;

const PRODUCTS = 'select id from products order by id';

/** Holds movements, rows and counters of every product against each other, and orders against payments. */
export async function reconcile(shop: Pick<Shop, 'database'>): Promise<Reconciliation> {
  const { findings } = await findAll(shop);
  return { balanced: findings.length === 0, findings, repaired: 0 };
}

/**
 * The same, on record; with `fix` the counters of each product that disagrees are put right under
 * its lock, and nothing but counters. A product whose lock is not had in time is left as it is.
 */
export async function adminReconcile(
  shop: Shop,
  operator: Operator,
  { fix, progress }: { readonly fix: boolean; readonly progress?: Progress },
): Promise<Reconciliation> {
  const found = await findAll(shop, progress);
  let repaired = 0;
  for (const productId of fix ? found.unbalanced : []) {
    if (await repair(shop, operator, productId)) repaired += 1;
  }
  const left = repaired > 0 ? await findAll(shop) : found;
  const outcome = { balanced: left.findings.length === 0, findings: found.findings, repaired };
  await recordAct(shop.database, operator, {
    name: 'reconcile',
    outcome: 'DONE',
    asked: { fix },
    after: { ...outcome, findings: outcome.findings.length },
  });
  return outcome;
}

interface Found {
  readonly findings: readonly string[];
  /** Products whose stock disagrees. */
  readonly unbalanced: readonly number[];
}

async function findAll(
  shop: Pick<Shop, 'database'>,
  progress: Progress = unwatched,
): Promise<Found> {
  const findings: string[] = [];
  const unbalanced: number[] = [];
  const products = await shop.database.rows<{ id: number }>(PRODUCTS, []);
  for (const [index, { id }] of products.entries()) {
    progress(index, products.length);
    const { findings: found } = (await auditStock(shop, id)) ?? NO_STOCK;
    if (found.length === 0) continue;
    unbalanced.push(id);
    findings.push(...found.map((finding) => `Product ${id}: ${finding}`));
  }
  progress(products.length, products.length);
  findings.push(...(await checkMoney(shop)));
  return { findings: upToMax(findings), unbalanced };
}

const NO_STOCK = { findings: ['It has no stock row.'] } as const;

function upToMax(findings: readonly string[]): readonly string[] {
  const beyond = findings.length - FINDINGS_MAX;
  return beyond <= 0 ? findings : [...findings.slice(0, FINDINGS_MAX), `And ${beyond} more.`];
}

/** Puts one product's counters right, on record; whether there was something to put right. */
async function repair(shop: Shop, operator: Operator, productId: number): Promise<boolean> {
  try {
    const repaired = await transact(shop.database, (tx) =>
      withLockedStock(shop, tx, productId, async (stock) => {
        const before = shownStock(stock.count);
        const [committed] = await tx.rows<CommittedUnits>(COMMITTED_UNITS, [productId]);
        if (!(await repairCounters(stock, committed!))) return false;
        await recordAct(tx, operator, {
          name: 'reconcile',
          outcome: 'DONE',
          asked: { fix: true, productId },
          before,
          after: shownStock(stock.count),
        });
        return true;
      }),
    );
    return repaired === true;
  } catch (error) {
    if (!(error instanceof BusyFault)) throw error;
    return false;
  }
}
