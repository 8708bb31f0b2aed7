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

const FINAL = { PAID: 'is paid', CANCELLED: 'was cancelled', EXPIRED: 'expired unpaid' } as const;

/** The order has reached a state that the call may not change. */
export function orderFinal<Order>(order: Order, status: keyof typeof FINAL): OrderFinal<Order> {
  return { code: 'ORDER_FINAL', message: `This order ${FINAL[status]}.`, retryable: false, order };
}
