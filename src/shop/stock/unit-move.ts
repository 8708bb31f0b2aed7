import { stockEvent } from '../events/record-events.ts';
import { soldOutAt } from './stock-level.entity.ts';
import type { StockCause } from './stock-movement.entity.ts';

/** One of a stock row's counters. */
export type Bucket = 'available' | 'held' | 'sold' | 'total';

/** A move of units: the rows that change, and the counters that lose and gain their units. */
interface UnitMove {
  /** More common table expressions before `changed`, each ending in a comma. */
  readonly before?: string;
  /**
   * The statement that changes the rows, `returning … quantity …`. `$1` is the product, `$2` the new
   * version of the stock row, which the changed rows store.
   */
  readonly changed: string;
  /** +1 or -1 for each counter that gains or loses the quantity of the changed rows. */
  readonly buckets: Readonly<Partial<Record<Bucket, 1 | -1>>>;
  readonly cause: StockCause;
  /** The expression that writes the events of the changed rows, made by `orderEvents`; it ends in a comma. */
  readonly events?: string;
  /** SQL for further columns of the movement. */
  readonly note?: {
    readonly reason?: string;
    readonly keyHash?: string;
    readonly argumentsHash?: string;
  };
}

/**
 * The text of one statement that changes rows, moves the units of exactly those rows, and records the
 * movement and the events. None of them can happen without the others. It returns one row: the changed
 * rows and the new counters, both null if nothing changed. If the stock row is not at the version before
 * `$2`, its new version is null, which the table refuses. A move without the lock is rolled back.
 * The final text of every statement is in tests/unit/unit-moves.md.
 */
export function unitMove({
  before = '',
  changed,
  buckets,
  cause,
  events = '',
  note = {},
}: UnitMove): string {
  const { reason = 'null', keyHash = 'null', argumentsHash = 'null' } = note;
  const delta = (bucket: Bucket): string => {
    const sign = buckets[bucket];
    return sign === undefined ? '0' : sign === 1 ? 'u.units' : '-u.units';
  };
  const soldOut =
    buckets.available === undefined
      ? ''
      : `,\n        ${soldOutAt(`s.available + ${delta('available')}`)}`;
  return `
    with ${before} changed as (${changed}),${events}
    u as (select sum(quantity)::int as units, count(*) as rows from changed),
    moved as (
      update stock_levels s set
        available = s.available + ${delta('available')}, held = s.held + ${delta('held')},
        sold = s.sold + ${delta('sold')}, total = s.total + ${delta('total')},
        version = case s.version when $2 - 1 then $2 end${soldOut}
      from u where s.product_id = $1 and u.rows > 0
      returning s.product_id, s.version, s.total, s.available, s.held, s.sold, s.sold_out_at,
        shop_clock() as read_at,
        ${delta('available')} as available_delta, ${delta('held')} as held_delta,
        ${delta('sold')} as sold_delta, ${delta('total')} as total_delta
    ),
    recorded as (
      insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
        total_delta, cause, reason, at, idempotency_key_hash, arguments_hash)
      select product_id, version, available_delta, held_delta, sold_delta, total_delta,
        '${cause}', ${reason}, read_at, ${keyHash}, ${argumentsHash}
      from moved
    ),${stockEvent('moved')}
    select (select json_agg(changed) from changed) as changed, (select row_to_json(moved) from moved) as stock`;
}
