import type { Money } from '../../../lib/money.ts';
import type { Order } from '../../purchases/order.entity.ts';
import type { BadUserInput, OrderFinal, OrderNotFound, PaymentUnavailable } from '../../refusal.ts';

/** A payment that the buyer can now make at its provider. */
export interface PaymentSession {
  readonly provider: string;
  /** The provider's id. */
  readonly id: string;
  readonly clientSecret: string | null;
  readonly url: string | null;
  readonly amount: Money;
  /** The payment deadline of the order. */
  readonly expiresAt: Date;
}

/** The session, or why there is none. */
export type StartAnswer =
  PaymentSession | OrderNotFound | OrderFinal<Order> | PaymentUnavailable | BadUserInput;
