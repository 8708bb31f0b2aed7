import type { StockCause } from './stock-movement.entity.ts';

/** One of a stock row's counters. */
export type Bucket = 'available' | 'held' | 'sold' | 'total';

/** What a statement does to units: which rows change, and between which buckets their units go. */
export interface UnitMove {
  /** More common table expressions before `changed`, each ending in a comma. */
  readonly before?: string;
  /**
   * The data-changing statement, `returning … quantity …`: a row for each that changed. `$1` is the
   * product and `$2` the version this move makes, with which the rows are stamped.
   */
  readonly changed: string;
  /** +1 or -1 for each bucket that gains or loses the quantity of the changed rows. */
  readonly buckets: Readonly<Partial<Record<Bucket, 1 | -1>>>;
  readonly cause: StockCause;
  /** SQL for the movement's further columns, where it has any. */
  readonly note?: {
    readonly reason: string;
    readonly keyHash?: string;
    readonly argumentsHash?: string;
  };
}

/**
 * The text of one statement that changes rows, moves exactly the units of the rows it changed, and
 * records the movement: the three cannot come apart. It gives one row: the changed rows and the new
 * counts, both null where nothing changed. A stock row that is not at the version before `$2` gets
 * none, which its table refuses: a move that went round the lock undoes its transaction.
 */
export function unitMove({ before = '', changed, buckets, cause, note }: UnitMove): string {
  const delta = (bucket: Bucket): string => {
    const sign = buckets[bucket];
    return sign === undefined ? '0' : sign === 1 ? 'u.units' : '-u.units';
  };
  return `
    with ${before} changed as (${changed}),
    u as (select sum(quantity)::int as units, count(*) as rows from changed),
    moved as (
      update stock_levels s set
        available = s.available + ${delta('available')}, held = s.held + ${delta('held')},
        sold = s.sold + ${delta('sold')}, total = s.total + ${delta('total')},
        version = case s.version when $2 - 1 then $2 end
      from u where s.product_id = $1 and u.rows > 0
      returning s.product_id, s.version, s.total, s.available, s.held, s.sold, shop_clock() as read_at,
        ${delta('available')} as available_delta, ${delta('held')} as held_delta,
        ${delta('sold')} as sold_delta, ${delta('total')} as total_delta
    ),
    recorded as (
      insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
        total_delta, cause, reason, at, idempotency_key_hash, arguments_hash)
      select product_id, version, available_delta, held_delta, sold_delta, total_delta,
        '${cause}', ${note?.reason ?? 'null'}, read_at, ${note?.keyHash ?? 'null'}, ${note?.argumentsHash ?? 'null'}
      from moved
    )
    select (select json_agg(changed) from changed) as changed, (select row_to_json(moved) from moved) as stock`;
}
