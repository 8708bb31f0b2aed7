import type { Money } from '../../lib/money.ts';
import { totalOf } from '../purchases/order.rules.ts';
import type { OrderStatus } from '../purchases/status.rules.ts';
import type { Shop } from '../shop.ts';
import type { PaymentSessionStatus } from './providers/payment-session.rules.ts';

/** A started payment with its order, for a page of its provider. */
export interface FoundSession {
  readonly paymentId: string;
  readonly status: PaymentSessionStatus;
  readonly description: string;
  /** Null without one, and once the session has ended. */
  readonly returnUrl: string | null;
  readonly orderId: string;
  readonly orderStatus: OrderStatus;
  readonly amount: Money;
  /** The payment deadline of the order. */
  readonly expiresAt: Date;
}

const FIND = `
  select s.payment_id as "paymentId", s.status, s.description, s.return_url as "returnUrl",
    o.id as "orderId", o.status as "orderStatus", o.unit_price_minor as "unitPriceMinor", o.quantity,
    o.currency, o.payment_expires_at as "expiresAt"
  from payment_sessions s join orders o on o.id = s.order_id
  where s.provider = $1 and s.payment_id = $2 and s.payment_id is not null`;

interface FoundRow extends Omit<FoundSession, 'amount' | 'expiresAt'> {
  readonly unitPriceMinor: string;
  readonly quantity: number;
  readonly currency: string;
  readonly expiresAt: string;
}

/** The session of a payment; null for an unknown payment. */
export async function findSession(
  { database }: Pick<Shop, 'database'>,
  provider: string,
  paymentId: string,
): Promise<FoundSession | null> {
  const [row] = await database.rows<FoundRow>(FIND, [provider, paymentId]);
  if (row === undefined) return null;
  const { unitPriceMinor, quantity, currency, expiresAt, ...found } = row;
  return {
    ...found,
    amount: totalOf({ unitPriceMinor: BigInt(unitPriceMinor), quantity, currency }),
    expiresAt: new Date(expiresAt),
  };
}
