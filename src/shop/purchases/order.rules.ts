import type { Money } from '../../lib/money.ts';
import type { OrderFinal } from '../refusal.ts';

/** What an order owes, in minor units of its currency. */
export function totalMinor({
  unitPriceMinor,
  quantity,
}: {
  unitPriceMinor: bigint;
  quantity: number;
}): bigint {
  return unitPriceMinor * BigInt(quantity);
}

/** The same as money: what an order owes, or its hold came to. */
export function totalOf(row: {
  readonly unitPriceMinor: bigint;
  readonly quantity: number;
  readonly currency: string;
}): Money {
  return { minor: totalMinor(row), currency: row.currency };
}

const FINAL = { PAID: 'is paid', CANCELLED: 'was cancelled', EXPIRED: 'expired unpaid' } as const;

/** The order has reached a state that the call may not change. */
export function orderFinal<Order>(order: Order, status: keyof typeof FINAL): OrderFinal<Order> {
  return { code: 'ORDER_FINAL', message: `This order ${FINAL[status]}.`, retryable: false, order };
}
