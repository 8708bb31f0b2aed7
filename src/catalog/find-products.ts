import type { Database } from '../platform/database.ts';
import { badUserInput, type BadUserInput, type SaleStatus } from '../refusal.ts';
import { ProductTable, type Product } from './product.entity.ts';

export type { Product } from './product.entity.ts';

interface CatalogNeeds {
  readonly database: Database;
}

/** Many products by id, as committed; unknown ids are left out. */
export function findProducts(shop: CatalogNeeds, ids: readonly number[]): Promise<Product[]> {
  return shop.database.find(ProductTable, { id: { $in: [...ids] } });
}

/** Which page of the catalogue is wanted. */
export interface ProductPageWanted {
  /** 1 to 100. */
  readonly first: number;
  readonly after: string | null;
  readonly saleStatus: SaleStatus | null;
}

/** A page of the catalogue, newest first. */
export interface ProductPage {
  readonly products: readonly Product[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly totalCount: number;
}

/** Most products on one page. */
const PAGE_MAX = 100;

/** The sale's status as SQL says it, by the database's clock: the same rule as `saleStatus`. */
const IN_STATUS: Readonly<Record<SaleStatus, string>> = {
  ENDED: 'sale_ends_at <= c.now',
  UPCOMING: 'sale_starts_at > c.now and (sale_ends_at is null or sale_ends_at > c.now)',
  LIVE: '(sale_starts_at is null or sale_starts_at <= c.now) and (sale_ends_at is null or sale_ends_at > c.now)',
};

const pageOf = (condition: string): string => `
  select (select json_agg(id) from (
      select id from products, (select shop_clock() as now) c
      where (${condition}) and ($1::int is null or id < $1) order by id desc limit $2) page) as ids,
    (select count(*)::int from products, (select shop_clock() as now) c where ${condition}) as "totalCount"`;

const PAGES = {
  ANY: pageOf('true'),
  ENDED: pageOf(IN_STATUS.ENDED),
  UPCOMING: pageOf(IN_STATUS.UPCOMING),
  LIVE: pageOf(IN_STATUS.LIVE),
} as const;

/** One page of the catalogue, newest first, in two statements whatever its size. */
export async function listProducts(
  shop: CatalogNeeds,
  { first, after, saleStatus }: ProductPageWanted,
): Promise<ProductPage | BadUserInput> {
  if (first < 1 || first > PAGE_MAX)
    return badUserInput(`first is ${first}; it must be 1 to ${PAGE_MAX}.`);
  const afterId = after === null ? null : productIdOfCursor(after);
  if (afterId === undefined) return badUserInput('after is not a cursor of this list.');
  const [page] = await shop.database.rows<{ ids: number[] | null; totalCount: number }>(
    PAGES[saleStatus ?? 'ANY'],
    [afterId, first + 1],
  );
  const ids = page!.ids ?? [];
  const products = await findProducts(shop, ids.slice(0, first));
  return {
    products: products.toSorted((one, other) => other.id - one.id),
    hasNextPage: ids.length > first,
    hasPreviousPage: afterId !== null,
    totalCount: page!.totalCount,
  };
}

const CURSOR = /^product:([1-9]\d{0,9})$/;

/** Where a product stands in the list, opaque to clients. */
export function cursorOfProduct({ id }: Pick<Product, 'id'>): string {
  return Buffer.from(`product:${id}`).toString('base64url');
}

function productIdOfCursor(cursor: string): number | undefined {
  const id = Number(CURSOR.exec(Buffer.from(cursor, 'base64url').toString())?.[1]);
  // Compared with what we would have made: base64 has several spellings of one text.
  return id <= 2_147_483_647 && cursorOfProduct({ id }) === cursor ? id : undefined;
}
