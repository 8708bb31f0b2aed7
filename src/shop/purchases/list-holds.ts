import { pageStatement, readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import { HoldTable, type Hold, type HoldStatus } from './hold.entity.ts';
import type { Shop } from '../shop.ts';

/** Which page of the holds is wanted; null where any will do. */
export interface HoldListQuery extends PageRequest<string> {
  readonly status: HoldStatus | null;
  readonly productId: number | null;
  readonly customerId: string | null;
}

/** The status as SQL says it: from its deadline on a hold is EXPIRED, the same rule as `holdStatus`. */
const STATUS = "case when status = 'ACTIVE' and expires_at <= c.now then 'EXPIRED' else status end";

const HOLDS = pageStatement({
  table: 'holds',
  key: ['id', 'uuid'],
  condition: `($3::text is null or ${STATUS} = $3) and ($4::int is null or product_id = $4)
    and ($5::text is null or customer_id = $5)`,
});

/** One page of the holds, for the operator: newest first. */
export function listHolds(
  shop: Pick<Shop, 'database'>,
  wanted: HoldListQuery,
): Promise<Page<Hold>> {
  return readPage(
    shop.database,
    {
      statement: HOLDS,
      params: [wanted.status, wanted.productId, wanted.customerId],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(HoldTable, { id: { $in: ids } }),
    },
    wanted,
  );
}
