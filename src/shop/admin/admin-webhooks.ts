import {
  createEndpoint,
  deleteEndpoint,
  rotateSecret,
  updateEndpoint,
  type EndpointChange,
  type EndpointTerms,
  type EndpointWithSecret,
} from '../events/endpoints.ts';
import { redeliver } from '../events/list-deliveries.ts';
import { findEvents, type ShopEvent } from '../events/list-events.ts';
import type { WebhookEndpoint } from '../events/webhook-endpoint.entity.ts';
import {
  isRefusal,
  type BadUserInput,
  type EventNotFound,
  type WebhookEndpointNotFound,
} from '../refusal.ts';
import type { Shop } from '../shop.ts';
import type { AdminCaller } from './audit/audit-log.ts';
import { unchanged, withAudit } from './audit/with-audit.ts';

/** The fields of an endpoint that the audit log stores: never a secret. */
function auditSnapshotOfEndpoint(endpoint: WebhookEndpoint): object {
  const { url, description, eventTypes, enabled, disabledReason, deletedAt } = endpoint;
  return { url, description, eventTypes, enabled, disabledReason, deletedAt };
}

/** Creates an endpoint with an audit entry. */
export function adminCreateEndpoint(
  shop: Pick<Shop, 'database' | 'endpointPolicy'>,
  caller: AdminCaller,
  terms: EndpointTerms,
): Promise<EndpointWithSecret | BadUserInput> {
  const action = { caller, name: 'createWebhookEndpoint', args: terms };
  return withAudit<EndpointWithSecret | BadUserInput>(shop, action, async (tx) => {
    const answer = await createEndpoint(tx, shop.endpointPolicy, terms);
    if (isRefusal(answer)) return unchanged(answer);
    return { answer, before: null, after: auditSnapshotOfEndpoint(answer.endpoint) };
  });
}

/** Changes an endpoint with an audit entry. */
export function adminUpdateEndpoint(
  shop: Pick<Shop, 'database' | 'endpointPolicy'>,
  caller: AdminCaller,
  change: EndpointChange,
): Promise<WebhookEndpoint | WebhookEndpointNotFound | BadUserInput> {
  const action = { caller, name: 'updateWebhookEndpoint', args: change };
  return withAudit<WebhookEndpoint | WebhookEndpointNotFound | BadUserInput>(
    shop,
    action,
    async (tx) => {
      const changed = await updateEndpoint(tx, shop.endpointPolicy, change);
      if (isRefusal(changed)) return unchanged(changed);
      return {
        answer: changed.after,
        before: auditSnapshotOfEndpoint(changed.before),
        after: auditSnapshotOfEndpoint(changed.after),
      };
    },
  );
}

/** Gives an endpoint a new secret, with an audit entry. */
export function adminRotateSecret(
  shop: Pick<Shop, 'database'>,
  caller: AdminCaller,
  id: string,
): Promise<EndpointWithSecret | WebhookEndpointNotFound> {
  const action = { caller, name: 'rotateWebhookSecret', args: { id } };
  return withAudit<EndpointWithSecret | WebhookEndpointNotFound>(shop, action, async (tx) =>
    unchanged(await rotateSecret(tx, id)),
  );
}

/** Deletes an endpoint with an audit entry. */
export function adminDeleteEndpoint(
  shop: Pick<Shop, 'database'>,
  caller: AdminCaller,
  id: string,
): Promise<WebhookEndpoint | WebhookEndpointNotFound> {
  const action = { caller, name: 'deleteWebhookEndpoint', args: { id } };
  return withAudit<WebhookEndpoint | WebhookEndpointNotFound>(shop, action, async (tx) => {
    const changed = await deleteEndpoint(tx, id);
    if (isRefusal(changed)) return unchanged(changed);
    return {
      answer: changed.after,
      before: auditSnapshotOfEndpoint(changed.before),
      after: auditSnapshotOfEndpoint(changed.after),
    };
  });
}

/** Sends an event again, with an audit entry. */
export async function adminRedeliver(
  shop: Pick<Shop, 'database'>,
  caller: AdminCaller,
  args: { readonly eventId: string; readonly endpointId: string | null },
): Promise<ShopEvent | EventNotFound | WebhookEndpointNotFound> {
  const [event] = await findEvents(shop, [args.eventId]);
  return withAudit<ShopEvent | EventNotFound | WebhookEndpointNotFound>(
    shop,
    { caller, name: 'redeliverEvent', args },
    async (tx) => unchanged((await redeliver(tx, args)) ?? event!),
  );
}
