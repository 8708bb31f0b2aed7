import type { Money } from '../../lib/money.ts';
import type { OrderFinal } from '../refusal.ts';
import type { OrderStatus } from './status.rules.ts';

/** The total of an order, in minor units of its currency. */
export function totalMinor({
  unitPriceMinor,
  quantity,
}: {
  unitPriceMinor: bigint;
  quantity: number;
}): bigint {
  return unitPriceMinor * BigInt(quantity);
}

/** The same as money, for an order or a hold. */
export function totalOf(row: {
  readonly unitPriceMinor: bigint;
  readonly quantity: number;
  readonly currency: string;
}): Money {
  return { minor: totalMinor(row), currency: row.currency };
}

const FINAL = {
  PAID: 'is paid',
  CANCELLED: 'was cancelled',
  EXPIRED: 'expired unpaid',
} as const satisfies Record<Exclude<OrderStatus, 'PENDING'>, string>;

/** The order has reached a state that the call may not change. */
export function orderFinal<Order>(order: Order, status: keyof typeof FINAL): OrderFinal<Order> {
  return { code: 'ORDER_FINAL', message: `This order ${FINAL[status]}.`, retryable: false, order };
}
