import { BusyFault } from '../../lib/faults.ts';
import {
  type Progress,
  findDiscrepancies,
  type Reconciliation,
} from '../reconciliation/reconcile.ts';
import { transact } from '../../postgres/transaction.ts';
import { COMMITTED_UNITS } from '../reconciliation/audit-stock.ts';
import type { Shop } from '../shop.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { repairCounters, type CommittedUnits } from '../stock/repair-counters.ts';
import { writeAuditEntry, type AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfStock } from './audit/audit-snapshot.ts';

/**
 * Reconciles, with an audit entry. With `fix`, repairs the counters of each product with a discrepancy
 * under its lock; it changes only counters. A product whose lock was not available in time is skipped.
 */
export async function adminReconcile(
  shop: Shop,
  caller: AdminCaller,
  { fix, progress }: { readonly fix: boolean; readonly progress?: Progress },
): Promise<Reconciliation> {
  const found = await findDiscrepancies(shop, progress);
  let repaired = 0;
  for (const productId of fix ? found.unbalanced : []) {
    if (await repair(shop, caller, productId)) repaired += 1;
  }
  const left = repaired > 0 ? await findDiscrepancies(shop) : found;
  const outcome = { balanced: left.findings.length === 0, findings: found.findings, repaired };
  await writeAuditEntry(shop.database, caller, {
    action: 'reconcile',
    outcome: 'DONE',
    args: { fix },
    after: { ...outcome, findings: outcome.findings.length },
  });
  return outcome;
}

/** Repairs the counters of one product, with an audit entry; returns whether they were wrong. */
async function repair(shop: Shop, caller: AdminCaller, productId: number): Promise<boolean> {
  try {
    const repaired = await transact(shop.database, (tx) =>
      withLockedStock(shop, tx, productId, async (stock) => {
        const before = auditSnapshotOfStock(stock.count);
        const [committed] = await tx.rows<CommittedUnits>(COMMITTED_UNITS, [productId]);
        if (!(await repairCounters(stock, committed!))) return false;
        await writeAuditEntry(tx, caller, {
          action: 'reconcile',
          outcome: 'DONE',
          args: { fix: true, productId },
          before,
          after: auditSnapshotOfStock(stock.count),
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
