import type { Transaction } from '../../postgres/transaction.ts';
import { RefundTable, type Refund } from '../payments/refund.entity.ts';
import { refundNotFound, type RefundNotFound } from '../refusal.ts';
import { unchanged, withAudit } from './with-audit.ts';
import { type Operator } from './audit-log.ts';
import { shownRefund } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** What the operator says of money that went back. */
export interface Resolution {
  readonly refundId: string;
  /** How it went back: the provider's reference, say. */
  readonly note: string;
}

const LOCK = 'select id from refunds where id = $1 for update';

const RESOLVE = `
  update refunds set status = 'RESOLVED', resolved_at = shop_clock(), note = $2
  where id = $1 and status = 'OPEN'`;

/** Closes a refund whose money went back. Resolving it twice returns it again, with its first note. */
export function resolveRefund(
  shop: Pick<Shop, 'database'>,
  operator: Operator,
  asked: Resolution,
): Promise<Refund | RefundNotFound> {
  return withAudit<Refund | RefundNotFound>(
    shop,
    { operator, name: 'resolveRefund', asked },
    async (tx) => {
      const { refundId, note } = asked;
      await tx.rows(LOCK, [refundId]);
      const before = await readRefund(tx, refundId);
      if (before === null) return unchanged(refundNotFound);
      await tx.rows(RESOLVE, [refundId, note]);
      const after = (await readRefund(tx, refundId))!;
      return { answer: after, before: shownRefund(before), after: shownRefund(after) };
    },
  );
}

async function readRefund(tx: Transaction, id: string): Promise<Refund | null> {
  return (await tx.em.findOne(RefundTable, { id }, { disableIdentityMap: true })) as Refund | null;
}
