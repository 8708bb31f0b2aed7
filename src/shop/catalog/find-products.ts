import { readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import type { SaleStatus } from '../refusal.ts';
import { ProductTable, type Product } from './product.entity.ts';
import type { Shop } from '../shop.ts';

export type { Product } from './product.entity.ts';

/** Many products by id, as committed; unknown ids are left out. */
export function findProducts(
  shop: Pick<Shop, 'database'>,
  ids: readonly number[],
): Promise<Product[]> {
  return shop.database.find(ProductTable, { id: { $in: [...ids] } });
}

/** A page of the catalogue and its filter. */
export interface ProductListQuery extends PageRequest<number> {
  /** The state of the sale; null does not filter. */
  readonly saleStatus: SaleStatus | null;
}

/** The state of a sale as an SQL condition: the same rule as `saleStatus`. */
const IN_STATUS: Readonly<Record<SaleStatus, string>> = {
  ENDED: 'sale_ends_at <= c.now',
  UPCOMING:
    'not sale_paused and sale_starts_at > c.now and (sale_ends_at is null or sale_ends_at > c.now)',
  PAUSED: 'sale_paused and (sale_ends_at is null or sale_ends_at > c.now)',
  LIVE: 'not sale_paused and (sale_starts_at is null or sale_starts_at <= c.now) and (sale_ends_at is null or sale_ends_at > c.now)',
};

/** One page of the catalogue, newest first. */
export function listProducts(
  shop: Pick<Shop, 'database'>,
  query: ProductListQuery,
): Promise<Page<Product>> {
  return readPage(
    shop.database,
    {
      table: 'products',
      key: ['id', 'int'],
      condition: query.saleStatus === null ? 'true' : IN_STATUS[query.saleStatus],
      filters: [],
      keyOf: ({ id }) => id,
      find: (ids) => findProducts(shop, ids),
    },
    query,
  );
}
