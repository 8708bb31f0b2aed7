import type { Transaction } from '../../postgres/transaction.ts';
import { RefundTable, type Refund } from '../payments/refund.entity.ts';
import { refundNotFound, type RefundNotFound } from '../refusal.ts';
import { unchanged, withAudit } from './with-audit.ts';
import { type AdminCaller } from './audit-log.ts';
import { auditSnapshotOfRefund } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** The admin's confirmation that a refund was paid back. */
export interface RefundResolution {
  readonly refundId: string;
  /** How it was paid back, for example the provider's reference. */
  readonly note: string;
}

const LOCK = 'select id from refunds where id = $1 for update';

const RESOLVE = `
  update refunds set status = 'RESOLVED', resolved_at = shop_clock(), note = $2
  where id = $1 and status = 'OPEN'`;

/** Closes a refund that was paid back. Resolving it twice returns it again, with its first note. */
export function resolveRefund(
  shop: Pick<Shop, 'database'>,
  caller: AdminCaller,
  args: RefundResolution,
): Promise<Refund | RefundNotFound> {
  return withAudit<Refund | RefundNotFound>(
    shop,
    { caller, name: 'resolveRefund', args },
    async (tx) => {
      const { refundId, note } = args;
      await tx.rows(LOCK, [refundId]);
      const before = await readRefund(tx, refundId);
      if (before === null) return unchanged(refundNotFound);
      await tx.rows(RESOLVE, [refundId, note]);
      const after = (await readRefund(tx, refundId))!;
      return {
        answer: after,
        before: auditSnapshotOfRefund(before),
        after: auditSnapshotOfRefund(after),
      };
    },
  );
}

async function readRefund(tx: Transaction, id: string): Promise<Refund | null> {
  return (await tx.em.findOne(RefundTable, { id }, { disableIdentityMap: true })) as Refund | null;
}
