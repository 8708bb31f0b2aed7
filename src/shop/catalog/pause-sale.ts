import type { Transaction } from '../../postgres/transaction.ts';
import { productNotFound, type ProductNotFound } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { ProductTable } from './product.entity.ts';
import { LOCK_PRODUCT, type ChangedProduct } from './update-product.ts';

const PAUSE = `
  update products set sale_paused = $2,
    updated_at = greatest(shop_clock(), updated_at + interval '1 millisecond')
  where id = $1 and sale_paused <> $2`;

/**
 * Pauses a product's sale, or resumes it, inside the caller's transaction. To pause a paused sale changes
 * nothing. Holds and orders that exist go on.
 */
export async function pauseSale(
  shop: Pick<Shop, 'announceProduct'>,
  tx: Transaction,
  { id, paused }: { readonly id: number; readonly paused: boolean },
): Promise<ChangedProduct | ProductNotFound> {
  await tx.rows(LOCK_PRODUCT, [id]);
  const before = await tx.findOne(ProductTable, { id });
  if (before === null) return productNotFound;
  await tx.rows(PAUSE, [id, paused]);
  const after = (await tx.findOne(ProductTable, { id }))!;
  tx.afterCommit(() => shop.announceProduct(after));
  return { before, after };
}
