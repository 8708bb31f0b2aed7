import type { Page, PageRequest } from '../../postgres/page.ts';
import type { Shop } from '../shop.ts';
import { numberEvents } from './number-events.ts';
import { payloadOf, type Snapshot, type ShopEventType } from './shop-event.rules.ts';

/** What happened, as it is shown and sent. */
export interface ShopEvent {
  readonly id: string;
  /** Position in the feed, from 1: the cursor of the next page. */
  readonly position: number;
  readonly type: ShopEventType;
  readonly at: Date;
  readonly productId: number;
  readonly orderId: string | null;
  /** JSON text; empty once it is redacted. */
  readonly payload: string;
}

/** A page of the feed and its filter; `after` is the position of the last event seen. */
export interface EventFeedQuery extends PageRequest<number> {
  /** Null does not filter. */
  readonly type: ShopEventType | null;
}

interface EventRow {
  readonly id: string;
  readonly position: string;
  readonly sequence: number;
  readonly type: ShopEventType;
  readonly productId: number;
  readonly orderId: string | null;
  readonly at: string;
  readonly snapshot: Snapshot | null;
}

const COLUMNS = `id, position, sequence, type, product_id as "productId", order_id as "orderId", at, snapshot`;

const FEED = `
  select ${COLUMNS} from shop_events
  where position > $1 and ($3::text is null or type = $3) order by position limit $2`;

/** Positions have no gaps, so the last one is the number of all events. */
const TOTAL = `
  select case when $1::text is null then coalesce(max(position), 0)
    else (select count(*) from shop_events where position is not null and type = $1) end::int as total
  from shop_events`;

/**
 * A page of the feed in the order of commits, the oldest first. What is committed before the call is
 * in the feed. A reader that continues after the last event it has seen misses none.
 */
export async function readEventFeed(
  shop: Pick<Shop, 'database'>,
  { first, after, type }: EventFeedQuery,
): Promise<Page<ShopEvent>> {
  await numberEvents(shop);
  const [rows, [counted]] = await Promise.all([
    shop.database.rows<EventRow>(FEED, [after ?? 0, first + 1, type]),
    shop.database.rows<{ total: number }>(TOTAL, [type]),
  ]);
  return {
    rows: rows.slice(0, first).map(shopEvent),
    hasNextPage: rows.length > first,
    hasPreviousPage: after !== null,
    totalCount: counted!.total,
  };
}

const BY_ID = `select ${COLUMNS} from shop_events where id = any($1::uuid[])`;

/** Events by id, in any order; unknown ids are left out. Numbers them first. */
export async function findEvents(
  shop: Pick<Shop, 'database'>,
  ids: readonly string[],
): Promise<ShopEvent[]> {
  await numberEvents(shop);
  return (await shop.database.rows<EventRow>(BY_ID, [ids])).map(shopEvent);
}

const OF_ORDER = `
  select ${COLUMNS} from shop_events where order_id = $1 order by sequence limit $2`;

/** The first `max` events of an order, in their order. Numbers them first. */
export async function findOrderEvents(
  shop: Pick<Shop, 'database'>,
  orderId: string,
  max: number,
): Promise<ShopEvent[]> {
  await numberEvents(shop);
  return (await shop.database.rows<EventRow>(OF_ORDER, [orderId, max])).map(shopEvent);
}

const BEFORE_LAST = `
  select position from shop_events where position is not null and ($2::text is null or type = $2)
  order by position desc offset $1 limit 1`;

/** The position after which the last `count` events follow, and no more. */
export async function positionBeforeLast(
  shop: Pick<Shop, 'database'>,
  count: number,
  type: ShopEventType | null,
): Promise<number> {
  await numberEvents(shop);
  const [row] = await shop.database.rows<{ position: string }>(BEFORE_LAST, [count, type]);
  return Number(row?.position ?? 0);
}

function shopEvent({ snapshot, sequence, ...row }: EventRow): ShopEvent {
  const at = new Date(row.at);
  const payload = payloadOf({ type: row.type, at, sequence, snapshot });
  return { ...row, at, position: Number(row.position), payload };
}
