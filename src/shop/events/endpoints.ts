import { randomBytes } from 'node:crypto';
import { newId } from '../../lib/ids.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { badUserInput, webhookEndpointNotFound } from '../refusal.ts';
import type { BadUserInput, WebhookEndpointNotFound } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { endpointUrlComplaint, type EndpointPolicy } from './endpoint-url.ts';
import type { ShopEventType } from './shop-event.rules.ts';
import { WebhookEndpointTable, type WebhookEndpoint } from './webhook-endpoint.entity.ts';

/** The fields of an endpoint that an admin sets. */
export interface EndpointTerms {
  readonly url: string;
  readonly description: string | null;
  readonly eventTypes: readonly ShopEventType[];
}

/** An endpoint and its secret, which only the answers to its creation and rotation show. */
export interface EndpointWithSecret {
  readonly endpoint: WebhookEndpoint;
  readonly secret: string;
}

/** How long a replaced secret signs beside the new one. */
const OVERLAP = "interval '24 hours'";

/** Random bytes of a secret. */
const SECRET_BYTES = 32;

const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

const INSERT = `
  insert into webhook_endpoints (id, url, description, event_types, enabled, secret, created_at)
  values ($1, $2, $3, $4, true, $5, shop_clock())`;

/** Creates an endpoint, inside the caller's transaction. */
export async function createEndpoint(
  tx: Transaction,
  policy: EndpointPolicy,
  { url, description, eventTypes }: EndpointTerms,
): Promise<EndpointWithSecret | BadUserInput> {
  const complaint = termsComplaint({ url, eventTypes }, policy);
  if (complaint !== undefined) return badUserInput(`${complaint}.`);
  const [id, secret] = [newId(), newSecret()];
  await tx.rows(INSERT, [id, url, description, typesJson(eventTypes), secret]);
  return { endpoint: (await findEndpoint(tx, id))!, secret };
}

/** A change of an endpoint; undefined leaves a field as it is. */
export interface EndpointChange extends Partial<EndpointTerms> {
  readonly id: string;
  readonly enabled?: boolean;
}

const UPDATE = `
  update webhook_endpoints set url = coalesce($2, url),
    description = case when $3::boolean then $4::text else description end,
    event_types = coalesce($5::jsonb, event_types), enabled = coalesce($6::boolean, enabled),
    disabled_reason = case when $6::boolean is null then disabled_reason end,
    failing_since = case when $6::boolean then null else failing_since end
  where id = $1`;

/** Changes an endpoint. Enabling it forgets its failures; its pending deliveries continue. */
export async function updateEndpoint(
  tx: Transaction,
  policy: EndpointPolicy,
  change: EndpointChange,
): Promise<Changed | WebhookEndpointNotFound | BadUserInput> {
  const { id } = change;
  const before = await lockEndpoint(tx, id);
  if (before === null) return webhookEndpointNotFound;
  const complaint = termsComplaint({ ...before, ...change }, policy);
  if (complaint !== undefined) return badUserInput(`${complaint}.`);
  await tx.rows(UPDATE, changeParams(change));
  return { before, after: (await findEndpoint(tx, id))! };
}

function changeParams({ id, url, description, eventTypes, enabled }: EndpointChange): unknown[] {
  const types = eventTypes && typesJson(eventTypes);
  return [
    id,
    url ?? null,
    description !== undefined,
    description ?? null,
    types ?? null,
    enabled ?? null,
  ];
}

/** An endpoint before and after a change. */
export interface Changed {
  readonly before: WebhookEndpoint;
  readonly after: WebhookEndpoint;
}

const ROTATE = `
  update webhook_endpoints set previous_secret = secret, previous_secret_until = shop_clock() + ${OVERLAP},
    secret = $2
  where id = $1`;

/** Gives an endpoint a new secret. The old one signs beside it for 24 hours. */
export async function rotateSecret(
  tx: Transaction,
  id: string,
): Promise<EndpointWithSecret | WebhookEndpointNotFound> {
  if ((await lockEndpoint(tx, id)) === null) return webhookEndpointNotFound;
  const secret = newSecret();
  await tx.rows(ROTATE, [id, secret]);
  return { endpoint: (await findEndpoint(tx, id))!, secret };
}

const DELETE = `
  with gone as (
    update webhook_endpoints set enabled = false, disabled_reason = null, deleted_at = shop_clock(),
      secret = '', previous_secret = null, previous_secret_until = null
    where id = $1 returning id)
  update webhook_deliveries d set status = 'FAILED', next_attempt_at = null, leased_until = null
  from gone where d.endpoint_id = gone.id and d.status = 'PENDING'`;

/** Deletes an endpoint: its pending deliveries fail, its log stays. */
export async function deleteEndpoint(
  tx: Transaction,
  id: string,
): Promise<Changed | WebhookEndpointNotFound> {
  const before = await lockEndpoint(tx, id);
  if (before === null) return webhookEndpointNotFound;
  await tx.rows(DELETE, [id]);
  return { before, after: (await tx.findOne(WebhookEndpointTable, { id }))! };
}

/** The endpoints that are not deleted, oldest first. */
export function listEndpoints(shop: Pick<Shop, 'database'>): Promise<WebhookEndpoint[]> {
  return shop.database.find(
    WebhookEndpointTable,
    { deletedAt: null },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  );
}

function findEndpoint(tx: Transaction, id: string): Promise<WebhookEndpoint | null> {
  return tx.findOne(WebhookEndpointTable, { id, deletedAt: null });
}

const LOCK = 'select id from webhook_endpoints where id = $1 for update';

async function lockEndpoint(tx: Transaction, id: string): Promise<WebhookEndpoint | null> {
  await tx.rows(LOCK, [id]);
  return findEndpoint(tx, id);
}

function termsComplaint(
  { url, eventTypes }: Pick<EndpointTerms, 'url' | 'eventTypes'>,
  policy: EndpointPolicy,
): string | undefined {
  if (eventTypes.length === 0) return 'eventTypes is empty; at least one type is needed';
  return endpointUrlComplaint(url, policy);
}

const typesJson = (types: readonly ShopEventType[]): string => JSON.stringify([...new Set(types)]);
