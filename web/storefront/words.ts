import type { ShownOrderFragment } from '../../docs/examples/generated/operations.ts';
import type { OfferFragment } from './generated/operations.ts';

/** An amount as the server sent it: a decimal text is never made a float. */
export function money({ amount, currency }: { amount: string; currency: string }): string {
  return `${amount} ${currency}`;
}

/** A remaining time: "1:05", or "2 d 03:04:05". */
export function remaining(ms: number): string {
  const total = Math.ceil(ms / 1000);
  const [days, hours] = [Math.floor(total / 86_400), Math.floor((total % 86_400) / 3600)];
  const [minutes, seconds] = [Math.floor((total % 3600) / 60), total % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}:${two(seconds)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** The state of a product's stock, in one sentence for a buyer. */
export function stockText(product: OfferFragment): string {
  const { availableStock, totalStock, stockStatus } = product;
  if (stockStatus === 'AVAILABLE') return `${availableStock} of ${totalStock} available`;
  const came = `Sold out${soldOutAfter(product)}`;
  return stockStatus === 'ALL_HELD' ? `${came}; some units may become available again` : came;
}

/** " in 9 s", from the opening of the sale; empty where one of both instants is unknown. */
function soldOutAfter({ saleStartsAt, soldOutAt }: OfferFragment): string {
  if (saleStartsAt === null || soldOutAt === null) return '';
  const seconds = Math.round((Date.parse(soldOutAt) - Date.parse(saleStartsAt)) / 1000);
  if (seconds < 0) return '';
  return seconds < 120 ? ` in ${seconds} s` : ` in ${Math.round(seconds / 60)} min`;
}

/** What became of an order, in one sentence. */
export const ORDER_TEXTS: Readonly<Record<ShownOrderFragment['status'], string>> = {
  PENDING: 'Your order awaits its payment.',
  PAID: 'Paid. Thank you!',
  CANCELLED: 'The order is cancelled.',
  EXPIRED: 'The time to pay is over. The units are available again.',
};

/** Why money is returned, in one sentence. */
export const REFUND_TEXTS: Readonly<
  Record<ShownOrderFragment['refunds'][number]['reason'], string>
> = {
  PAID_TOO_LATE: 'Your payment came too late, and the units were taken. It is returned.',
  AMOUNT_MISMATCH: 'The payment had another amount. It is returned.',
  DUPLICATE_PAYMENT: 'A second payment of this order is returned.',
  ORDER_NEVER_CREATED: 'The payment had no order. It is returned.',
  ORDER_CANCELLED: 'The payment of the cancelled order is returned.',
};
