import { BusyFault } from '../../lib/faults.ts';
import type { Progress } from '../../lib/progress.ts';
import { transact } from '../../postgres/transaction.ts';
import { COMMITTED_UNITS } from '../reconciliation/audit-stock.ts';
import { findAll, type Reconciliation } from '../reconciliation/reconcile.ts';
import type { Shop } from '../shop.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { repairCounters, type CommittedUnits } from '../stock/repair-counters.ts';
import { recordAct, type Operator } from './audit-log.ts';
import { shownStock } from './audit-snapshot.ts';

/**
 * Reconciles, on record; with `fix` the counters of each product that disagrees are put right under
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
