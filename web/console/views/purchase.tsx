import { useApolloClient, useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { failureText } from '../client.ts';
import { CancelOrderDocument, StoryDocument, type StoryQuery } from '../generated/operations.ts';
import { Act, type Values } from '../parts/act.tsx';
import { Badge, Details } from '../parts/badge.tsx';
import { money, time } from '../parts/format.ts';
import { settled } from '../parts/settled.ts';
import type { Route } from '../route.ts';
import { Replay } from './payments.tsx';
import { RefundActs } from './refunds.tsx';

type Story = NonNullable<StoryQuery['orderStory']>;

/** One step of a purchase. */
interface Step {
  readonly at: string;
  readonly key: string;
  readonly text: ReactNode;
}

/** One purchase from its hold to its refunds, in the order of time. */
export function Purchase({ params }: Pick<Route, 'params'>) {
  const id = params.get('id') ?? '';
  const { data, error, refetch } = useQuery(StoryDocument, { variables: { id } });
  if (error)
    return (
      <p role="alert" className="failure">
        {failureText(error)}
      </p>
    );
  if (data === undefined) return <p className="loading">Loading …</p>;
  const { orderStory: story } = data;
  if (story === null) return <p>No hold, order or payment has the id {id}.</p>;
  const { order } = story;
  return (
    <>
      {order && (
        <p>
          Order {order.id}: <Badge status={order.status} /> {order.quantity} × {order.product.name},{' '}
          {money(order.totalAmount)}
        </p>
      )}
      <div className="buttons">
        {order && <Cancel orderId={order.id} isPaid={order.status === 'PAID'} onDone={refetch} />}
        <button onClick={() => void refetch()}>Refresh</button>
      </div>
      <ol className="story">
        {stepsOf(story, refetch).map(({ at, key, text }) => (
          <li key={key}>
            <time dateTime={at}>{time(at)}</time>
            <div>{text}</div>
          </li>
        ))}
      </ol>
      {order && <Details summary="Metadata" text={JSON.stringify(order.metadata)} />}
    </>
  );
}

function stepsOf(story: Story, onDone: () => unknown): Step[] {
  return [...purchaseSteps(story), ...paymentSteps(story, onDone), ...eventSteps(story)].toSorted(
    (one, other) => (one.at < other.at ? -1 : 1),
  );
}

function purchaseSteps({ hold, order }: Story): Step[] {
  const units = hold && `${hold.quantity} units held until ${time(hold.expiresAt)}`;
  const customer = hold?.customerId == null ? '' : `, by ${hold.customerId}`;
  return [
    ...(hold
      ? [
          {
            at: hold.createdAt,
            key: hold.id,
            text: (
              <>
                Hold {hold.id}: {units}
                {customer} <Badge status={hold.status} />
              </>
            ),
          },
        ]
      : []),
    ...(order
      ? [
          {
            at: order.createdAt,
            key: order.id,
            text: `Order created; payable until ${time(order.paymentExpiresAt)}`,
          },
        ]
      : []),
  ];
}

function paymentSteps({ paymentEvents, order }: Story, onDone: () => unknown): Step[] {
  const payments = paymentEvents.map((event) => ({
    at: event.receivedAt,
    key: event.id,
    text: (
      <>
        {event.provider}: payment {event.paymentId} {event.reportedStatus}, {event.amount}{' '}
        {event.currency} <Badge status={event.status} /> {event.reason}{' '}
        <Replay event={event} onDone={onDone} />
        <Details summary="Body" text={event.payload} />
      </>
    ),
  }));
  const refunds = (order?.refunds ?? []).map((refund) => ({
    at: refund.createdAt,
    key: refund.id,
    text: (
      <>
        Refund of {money(refund.amount)}: {refund.reason} <Badge status={refund.status} />{' '}
        <RefundActs refund={refund} onDone={onDone} />
      </>
    ),
  }));
  return [...payments, ...refunds];
}

function eventSteps({ events }: Story): Step[] {
  return events.map(({ id, at, type, payload }) => ({
    at,
    key: id,
    text: (
      <>
        Event {type} <Details summary="Sent as" text={payload} />
      </>
    ),
  }));
}

interface CancelProps {
  readonly orderId: string;
  readonly isPaid: boolean;
  readonly onDone: () => unknown;
}

const REASON = { name: 'reason', label: 'Reason', isRequired: true, maxLength: 500 } as const;
const RESTOCK = { name: 'restock', label: 'Put its units back on sale', kind: 'checkbox' } as const;

function Cancel({ orderId, isPaid, onDone }: CancelProps) {
  const client = useApolloClient();
  const cancel = async ({ reason = '', restock }: Values): Promise<string> => {
    const variables = { orderId, reason, restock: restock === 'on' };
    const { data } = await client.mutate({ mutation: CancelOrderDocument, variables });
    settled(data?.adminCancelOrder, 'Order');
    return 'The order is cancelled.';
  };
  return (
    <Act
      label="Cancel order"
      title={`Cancel order ${orderId}`}
      text={
        isPaid
          ? 'The order is paid: a refund is opened. This cannot be undone.'
          : 'Its units become available. This cannot be undone.'
      }
      fields={isPaid ? [REASON, RESTOCK] : [REASON]}
      isDangerous
      run={cancel}
      onDone={onDone}
    />
  );
}
