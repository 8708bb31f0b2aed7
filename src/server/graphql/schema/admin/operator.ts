import type { Operator } from '../../../../shop/admin/audit-log.ts';
import type { Context } from '../../context.ts';

/** Who acts, for the audit log: whoever has the admin token. The token itself stays out of it. */
export function operatorOf({ caller: { address, requestId } }: Context): Operator {
  return { actor: 'admin token', address, requestId };
}
