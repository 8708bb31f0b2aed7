import { useApolloClient } from '@apollo/client/react';
import {
  CreateEndpointDocument,
  DeleteEndpointDocument,
  RedeliverDocument,
  RotateSecretDocument,
  UpdateEndpointDocument,
  type EndpointsQuery,
  type EventType,
  type UpdateWebhookEndpointInput,
} from '../generated/operations.ts';
import { Act, type Values } from '../parts/act.tsx';
import type { Field } from '../parts/fields.tsx';
import { settled } from '../parts/settled.ts';

/** A webhook endpoint as the console shows it. */
export type Endpoint = EndpointsQuery['webhookEndpoints'][number];

const TYPES: readonly EventType[] = [
  'ORDER_PAID',
  'ORDER_CANCELLED',
  'ORDER_EXPIRED',
  'REFUND_OPENED',
  'REFUND_RESOLVED',
  'PRODUCT_SOLD_OUT',
  'PRODUCT_BACK_IN_STOCK',
];

/** The inputs of an endpoint; a new one takes every type. */
function endpointFields(endpoint?: Endpoint): Field[] {
  return [
    { name: 'url', label: 'URL', kind: 'url', value: endpoint?.url, isRequired: true },
    {
      name: 'description',
      label: 'Description',
      value: endpoint?.description ?? '',
      maxLength: 500,
    },
    ...TYPES.map((type) => ({
      name: type,
      label: type,
      kind: 'checkbox' as const,
      value: endpoint === undefined || endpoint.eventTypes.includes(type) ? 'on' : '',
    })),
  ];
}

function endpointInput(values: Values) {
  return {
    url: values['url'] ?? '',
    description: values['description'] || null,
    eventTypes: TYPES.filter((type) => values[type] === 'on'),
  };
}

function secretText(secret: string) {
  return (
    <>
      <p>The secret is shown only here:</p>
      <code>{secret}</code>
    </>
  );
}

/** The act that creates an endpoint and shows its secret once. */
export function CreateEndpoint({ onDone }: { readonly onDone: () => unknown }) {
  const client = useApolloClient();
  const create = async (values: Values) => {
    const variables = { input: endpointInput(values) };
    const { data } = await client.mutate({ mutation: CreateEndpointDocument, variables });
    return secretText(data!.createWebhookEndpoint.secret);
  };
  return (
    <Act
      label="Create endpoint"
      title="Create a webhook endpoint"
      text="Events from now on are sent to it."
      fields={endpointFields()}
      run={create}
      onDone={onDone}
    />
  );
}

interface EndpointActsProps {
  readonly endpoint: Endpoint;
  readonly onDone: () => unknown;
}

/** The acts on one endpoint. */
export function EndpointActs({ endpoint, onDone }: EndpointActsProps) {
  const { update, rotate, remove } = useEndpointActs(endpoint.id);
  const { url, enabled } = endpoint;
  return (
    <div className="buttons">
      <Act
        label="Edit"
        title={`Edit ${url}`}
        text="Applies to events from now on."
        fields={endpointFields(endpoint)}
        run={(values) => update(endpointInput(values))}
        onDone={onDone}
      />
      <Act
        label={enabled ? 'Disable' : 'Enable'}
        title={`${enabled ? 'Disable' : 'Enable'} ${url}`}
        text={enabled ? 'Events wait until it is enabled.' : 'Waiting events are sent.'}
        run={() => update({ enabled: !enabled })}
        onDone={onDone}
      />
      <Act
        label="Rotate secret"
        title={`Rotate the secret of ${url}`}
        text="The old secret signs beside the new one for 24 hours."
        run={rotate}
        onDone={onDone}
      />
      <Act
        label="Delete"
        title={`Delete ${url}`}
        text="Its pending deliveries fail. This cannot be undone."
        isDangerous
        run={remove}
        onDone={onDone}
      />
    </div>
  );
}

function useEndpointActs(id: string) {
  const client = useApolloClient();
  return {
    async update(this: void, change: Omit<UpdateWebhookEndpointInput, 'id'>) {
      const variables = { input: { ...change, id } };
      const { data } = await client.mutate({ mutation: UpdateEndpointDocument, variables });
      settled(data?.updateWebhookEndpoint, 'WebhookEndpoint');
      return 'The endpoint is changed.';
    },
    async rotate(this: void) {
      const { data } = await client.mutate({ mutation: RotateSecretDocument, variables: { id } });
      return secretText(settled(data?.rotateWebhookSecret, 'WebhookEndpointWithSecret').secret);
    },
    async remove(this: void) {
      const { data } = await client.mutate({ mutation: DeleteEndpointDocument, variables: { id } });
      settled(data?.deleteWebhookEndpoint, 'WebhookEndpoint');
      return 'The endpoint is deleted.';
    },
  };
}

/** The act that sends an event to its endpoint again. */
export function Redeliver(delivery: {
  readonly event: { readonly id: string; readonly type: string };
  readonly endpointId: string;
  readonly onDone: () => unknown;
}) {
  const client = useApolloClient();
  const { event, endpointId, onDone } = delivery;
  const redeliver = async (): Promise<string> => {
    const variables = { eventId: event.id, endpointId };
    const { data } = await client.mutate({ mutation: RedeliverDocument, variables });
    settled(data?.redeliverEvent, 'ShopEvent');
    return 'The event is sent again.';
  };
  return (
    <Act
      label="Redeliver"
      title={`Send ${event.type} again`}
      text="With the same event id, so that a receiver can ignore it."
      run={redeliver}
      onDone={onDone}
    />
  );
}
