import { readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import {
  eventNotFound,
  webhookEndpointNotFound,
  type EventNotFound,
  type WebhookEndpointNotFound,
} from '../refusal.ts';
import type { Shop } from '../shop.ts';
import type { DeliveryStatus } from './delivery.rules.ts';
import { findEvents, type ShopEvent } from './list-events.ts';
import { WebhookDeliveryTable, type StoredAttempt } from './webhook-delivery.entity.ts';

/** A delivery with its event. */
export interface Delivery {
  readonly id: string;
  readonly event: ShopEvent;
  readonly endpointId: string;
  readonly status: DeliveryStatus;
  readonly attempts: readonly StoredAttempt[];
  readonly nextAttemptAt: Date | null;
}

/** A page of the deliveries and its filters; null does not filter. */
export interface DeliveryListQuery extends PageRequest<string> {
  readonly status: DeliveryStatus | null;
  readonly endpointId: string | null;
}

/** One page of the deliveries, newest first. */
export function listDeliveries(
  shop: Pick<Shop, 'database'>,
  query: DeliveryListQuery,
): Promise<Page<Delivery>> {
  return readPage(
    shop.database,
    {
      table: 'webhook_deliveries',
      key: ['id', 'uuid'],
      filters: [
        { sql: (status) => `status = ${status}`, value: query.status },
        { sql: (id) => `endpoint_id = ${id}`, value: query.endpointId },
      ],
      keyOf: ({ id }) => id,
      find: (ids) => findDeliveries(shop, ids),
    },
    query,
  );
}

async function findDeliveries(
  shop: Pick<Shop, 'database'>,
  ids: readonly string[],
): Promise<Delivery[]> {
  const rows = await shop.database.find(WebhookDeliveryTable, { id: { $in: [...ids] } });
  const events = await findEvents(
    shop,
    rows.map(({ eventId }) => eventId),
  );
  const byId = new Map(events.map((event) => [event.id, event]));
  return rows.map(({ id, eventId, endpointId, status, attempts, nextAttemptAt }) => ({
    id,
    event: byId.get(eventId)!,
    endpointId: endpointId,
    status,
    attempts,
    nextAttemptAt,
  }));
}

const EVENT = 'select snapshot is not null as has from shop_events where id = $1';

/** An event goes to an endpoint once more, with a new plan of retries. `$2` null: to all that take its type. */
const REDELIVER = `
  insert into webhook_deliveries (id, event_id, endpoint_id, status, failures, attempts, next_attempt_at)
  select shop_event_id(), e.id, w.id, 'PENDING', 0, '[]', shop_clock()
  from shop_events e join webhook_endpoints w on w.deleted_at is null
    and case when $2::uuid is null then w.enabled and w.event_types @> to_jsonb(e.type) else w.id = $2 end
  where e.id = $1
  on conflict (event_id, endpoint_id) do update set status = 'PENDING', failures = 0,
    next_attempt_at = shop_clock(), leased_until = null
  returning endpoint_id`;

/** Sends an event again, inside the caller's transaction. A redacted event has no body to send. */
export async function redeliver(
  tx: Transaction,
  { eventId, endpointId }: { readonly eventId: string; readonly endpointId: string | null },
): Promise<EventNotFound | WebhookEndpointNotFound | undefined> {
  const [event] = await tx.rows<{ has: boolean }>(EVENT, [eventId]);
  if (event?.has !== true) return eventNotFound;
  const sent = await tx.rows(REDELIVER, [eventId, endpointId]);
  return endpointId !== null && sent.length === 0 ? webhookEndpointNotFound : undefined;
}
