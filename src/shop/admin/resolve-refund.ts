import { closeRefund } from '../payments/settlement/write-refunds.ts';
import type { Refund } from '../payments/refund.entity.ts';
import { refundNotFound, type RefundNotFound } from '../refusal.ts';
import { unchanged, withAudit } from './audit/with-audit.ts';
import { type AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfRefund } from './audit/audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** The admin's confirmation that a refund was paid back. */
export interface RefundResolution {
  readonly refundId: string;
  /** How it was paid back, for example the provider's reference. */
  readonly note: string;
}

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
      const closed = await closeRefund(tx, args.refundId, { note: args.note });
      if (closed === null) return unchanged(refundNotFound);
      const { before, after } = closed;
      return {
        answer: after,
        before: auditSnapshotOfRefund(before),
        after: auditSnapshotOfRefund(after),
      };
    },
  );
}
