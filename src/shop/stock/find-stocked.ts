import { isDeepStrictEqual } from 'node:util';
import type { Product } from '../catalog/find-products.ts';
import { saleStatus } from '../catalog/product.rules.ts';
import type { StockCount } from './stock.rules.ts';
import type { Shop } from '../shop.ts';

/** A product with its counters of the same moment. */
export type StockedProduct = Product & { readonly stock: StockCount };

type Instant = 'saleStartsAt' | 'saleEndsAt' | 'createdAt' | 'updatedAt' | 'readAt';

/** A product and its counters as the driver returns them: instants and 64-bit integers are text. */
type StockedRow = Omit<Product, Instant | 'priceMinor'> &
  Pick<StockCount, 'version' | 'total' | 'available' | 'held' | 'sold'> & {
    readonly [Column in Instant]: string | (null extends Product[Column] ? null : never);
  } & { readonly priceMinor: string; readonly soldOutAt: string | null };

/**
 * One statement has one snapshot. Two statements could combine an old product with newer counters if a
 * change is committed between them.
 */
const FIND = `
  select p.id, p.name, p.description, p.price_minor as "priceMinor", p.currency,
    p.max_per_hold as "maxPerHold", p.max_per_customer as "maxPerCustomer",
    p.sale_starts_at as "saleStartsAt", p.sale_ends_at as "saleEndsAt",
    p.sale_paused as "salePaused", p.image_url as "imageUrl",
    p.created_at as "createdAt", p.updated_at as "updatedAt",
    s.version, s.total, s.available, s.held, s.sold, s.sold_out_at as "soldOutAt",
    shop_clock() as "readAt"
  from products p join stock_levels s on s.product_id = p.id
  where p.id = any($1::int[])`;

/** Products with their stock, as committed at one moment; unknown ids are left out. */
export async function findStockedProducts(
  shop: Pick<Shop, 'database'>,
  ids: readonly number[],
): Promise<StockedProduct[]> {
  return (await shop.database.rows<StockedRow>(FIND, [ids])).map(stockedProduct);
}

function stockedProduct(row: StockedRow): StockedProduct {
  const { version, total, available, held, sold, soldOutAt: soldOut, ...product } = row;
  const readAt = new Date(row.readAt);
  const soldOutAt = soldOut === null ? null : new Date(soldOut);
  return {
    ...product,
    priceMinor: BigInt(row.priceMinor),
    saleStartsAt: row.saleStartsAt === null ? null : new Date(row.saleStartsAt),
    saleEndsAt: row.saleEndsAt === null ? null : new Date(row.saleEndsAt),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    readAt,
    stock: { productId: row.id, version, total, available, held, sold, soldOutAt, readAt },
  };
}

/** Whether the first value is older: `version` and `updatedAt` of one product never decrease. */
export function isOlder(one: StockedProduct, other: StockedProduct): boolean {
  return one.stock.version < other.stock.version || one.updatedAt < other.updatedAt;
}

/**
 * Whether a later read differs from what a subscriber has, the sale status included. Older values do
 * not count: subscribers must not receive them after a restore of the database.
 */
export function isNews(read: StockedProduct, known: StockedProduct): boolean {
  return !isOlder(read, known) && !isDeepStrictEqual(visibleState(read), visibleState(known));
}

function visibleState(product: StockedProduct): object {
  const { readAt, stock, ...row } = product;
  return { ...row, stock: { ...stock, readAt: null }, status: saleStatus(product, readAt) };
}
