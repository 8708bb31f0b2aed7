import type { Sale } from '../../catalog/product.rules.ts';
import type { Transaction } from '../../../postgres/transaction.ts';
import { HoldTable, type Hold } from '../hold.entity.ts';
import type { CustomerUnits, HoldFacts, HoldRequest } from '../hold.rules.ts';
import { EARLIEST_DEADLINE, holdIsDue } from '../status.rules.ts';

/** The facts that decide a batch of one product, and the product's terms for its holds. */
export interface BatchFacts extends HoldFacts<Hold> {
  readonly product: Product;
  /** Whether the batch needs more units than are available, and something is due that may return some. */
  readonly mayReclaim: boolean;
}

type Product = Sale & {
  readonly maxPerHold: number;
  readonly maxPerCustomer: number | null;
  readonly priceMinor: bigint;
  readonly currency: string;
};

/**
 * All facts of a batch in one statement after the lock. As a part of the locking statement it would
 * miss what was committed during the wait for the lock, and read the clock too early. From its
 * deadline on a hold counts against no limit, even before a sweep.
 *
 * `offset 0` and `product_id + 0` make the planner look up each key and each customer by its index. In
 * the first minute of a sale the tables have no statistics. The planner would read all holds of the
 * product for each batch (measured: 33,000 rows to find none).
 */
const FACTS = `
  select c.now, p.max_per_hold as "maxPerHold", p.max_per_customer as "maxPerCustomer",
    p.price_minor as "priceMinor", p.currency, p.sale_starts_at as "saleStartsAt", p.sale_ends_at as "saleEndsAt",
    p.sale_paused as "salePaused",
    (select json_agg(h) from unnest($2::text[]) as key(hash), lateral (
       select * from holds where idempotency_key_hash = key.hash offset 0) h) as earlier,
    (select json_agg(u) from (
       select id as "customerId", sum(quantity)::int as units,
         coalesce(sum(quantity) filter (where paid), 0)::int as paid
       from (
         select customer.id, had.quantity, false as paid
         from unnest($3::text[]) as customer(id), lateral (
           select quantity, status, expires_at from holds where customer_id = customer.id
             and product_id + 0 = $1 and status = 'ACTIVE' offset 0) had
         where not ${holdIsDue('c.now', 'had')}
         union all
         select customer.id, had.quantity, had.status = 'PAID'
         from unnest($3::text[]) as customer(id), lateral (
           select quantity, status from orders where customer_id = customer.id
             and product_id + 0 = $1 and status in ('PENDING', 'PAID') offset 0) had
       ) as had where p.max_per_customer is not null group by id) u) as units,
    case when s.available < $4::bigint then ${EARLIEST_DEADLINE} <= c.now end as "mayReclaim"
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
  readonly salePaused: boolean;
  readonly earlier: readonly Record<string, unknown>[] | null;
  readonly units: readonly (CustomerUnits & { readonly customerId: string })[] | null;
  readonly mayReclaim: boolean | null;
}

/** Reads the facts of a batch, under the lock; undefined for an unknown product. */
export async function readBatchFacts(
  tx: Transaction,
  productId: number,
  requests: readonly HoldRequest[],
): Promise<BatchFacts | undefined> {
  const keys = requests.flatMap(({ keyHash }) => keyHash ?? []);
  const customers = requests.flatMap(({ customerId }) => customerId ?? []);
  const needed = requests.reduce((units, { quantity }) => units + quantity, 0);
  const params = [productId, keys, [...new Set(customers)], needed];
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
