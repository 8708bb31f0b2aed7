import type { SaleWindow } from '../catalog/product.rules.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { HoldTable, type Hold } from './hold.entity.ts';
import type { CustomerUnits, HoldFacts, HoldRequest } from './hold.rules.ts';

/** What a batch of one product is judged by, and what its holds are made of. */
export interface BatchFacts extends HoldFacts<Hold> {
  readonly product: Product;
  /** Whether more is wanted than is free, while some hold or order is due that may give units back. */
  readonly mayReclaim: boolean;
}

type Product = SaleWindow & {
  readonly maxPerHold: number;
  readonly maxPerCustomer: number | null;
  readonly priceMinor: bigint;
  readonly currency: string;
};

/**
 * Everything a batch is judged by, in one statement after the lock: a part of the locking statement
 * would miss what a rival committed while we waited, the clock included. From its deadline on a
 * hold counts against no limit, swept or not.
 *
 * Key by key and customer by customer, which `offset 0` keeps the planner from turning round, with
 * nothing else that an index fits: in the first minute of a sale no statistics of it are gathered
 * yet, and by guess each batch would read through all holds of the product (measured: 33,000 rows to
 * find none).
 */
const FACTS = `
  select c.now, p.max_per_hold as "maxPerHold", p.max_per_customer as "maxPerCustomer",
    p.price_minor as "priceMinor", p.currency, p.sale_starts_at as "saleStartsAt", p.sale_ends_at as "saleEndsAt",
    (select json_agg(h) from unnest($2::text[]) as key(hash), lateral (
       select * from holds where idempotency_key_hash = key.hash offset 0) h) as earlier,
    (select json_agg(u) from (
       select id as "customerId", sum(quantity)::int as units,
         coalesce(sum(quantity) filter (where paid), 0)::int as paid
       from (
         select customer.id, had.quantity, false as paid
         from unnest($3::text[]) as customer(id), lateral (
           select quantity, expires_at from holds where customer_id = customer.id
             and product_id + 0 = $1 and status = 'ACTIVE' offset 0) had
         where had.expires_at > c.now
         union all
         select customer.id, had.quantity, had.status = 'PAID'
         from unnest($3::text[]) as customer(id), lateral (
           select quantity, status from orders where customer_id = customer.id
             and product_id + 0 = $1 and status in ('PENDING', 'PAID') offset 0) had
       ) as had where p.max_per_customer is not null group by id) u) as units,
    case when s.available < $4::bigint then least(
      (select min(expires_at) from holds where status = 'ACTIVE'),
      (select min(payment_expires_at) from orders where status = 'PENDING')) <= c.now end as "mayReclaim"
  from products p join stock_levels s on s.product_id = p.id, (select shop_clock() as now) c
  where p.id = $1`;

interface FactsRow {
  readonly now: string;
  readonly maxPerHold: number;
  readonly maxPerCustomer: number | null;
  readonly priceMinor: string;
  readonly currency: string;
  readonly saleStartsAt: string | null;
  readonly saleEndsAt: string | null;
  readonly earlier: readonly Record<string, unknown>[] | null;
  readonly units: readonly (CustomerUnits & { readonly customerId: string })[] | null;
  readonly mayReclaim: boolean | null;
}

/** Reads what a batch is judged by, under the lock; undefined where there is no such product. */
export async function readBatchFacts(
  tx: Transaction,
  productId: number,
  requests: readonly HoldRequest[],
): Promise<BatchFacts | undefined> {
  const keys = requests.flatMap(({ keyHash }) => keyHash ?? []);
  const customers = requests.flatMap(({ customerId }) => customerId ?? []);
  const wanted = requests.reduce((units, { quantity }) => units + quantity, 0);
  const params = [productId, keys, [...new Set(customers)], wanted];
  const [row] = await tx.rows<FactsRow>(FACTS, params);
  if (row === undefined) return undefined;
  const { now, earlier, units, mayReclaim, saleStartsAt, saleEndsAt, priceMinor, ...product } = row;
  const readAt = new Date(now);
  return {
    now: readAt,
    product: {
      ...product,
      priceMinor: BigInt(priceMinor),
      saleStartsAt: saleStartsAt === null ? null : new Date(saleStartsAt),
      saleEndsAt: saleEndsAt === null ? null : new Date(saleEndsAt),
    },
    earlier: new Map(
      (earlier ?? []).map((hold) => [
        hold['idempotency_key_hash'] as string,
        { ...tx.em.map(HoldTable, hold), readAt } as Hold,
      ]),
    ),
    mayReclaim: mayReclaim === true,
    unitsOf: new Map((units ?? []).map(({ customerId, ...rest }) => [customerId, rest])),
  };
}
