import { readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import { StockMovementTable, type StockMovement } from './stock-movement.entity.ts';
import type { Shop } from '../shop.ts';

export type { StockMovement } from './stock-movement.entity.ts';

/** A page of one product's movements. */
export interface MovementListQuery extends PageRequest<number> {
  readonly productId: number;
}

/** One page of a product's movements, newest version first; empty for an unknown product. */
export function listMovements(
  shop: Pick<Shop, 'database'>,
  query: MovementListQuery,
): Promise<Page<StockMovement>> {
  const { productId } = query;
  return readPage(
    shop.database,
    {
      table: 'stock_movements',
      key: ['version', 'int'],
      filters: [{ sql: (id) => `product_id = ${id}`, value: productId }],
      keyOf: ({ version }) => version,
      find: (versions) =>
        shop.database.find(StockMovementTable, { productId, version: { $in: versions } }),
    },
    query,
  );
}
