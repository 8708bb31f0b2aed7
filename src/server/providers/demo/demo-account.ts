import { decimalText, type Money } from '../../../lib/money.ts';
import type { ProviderPayment } from '../../../shop/payments/providers/payment-provider.ts';

/** A payment of the demo account. */
interface AccountPayment extends ProviderPayment {
  readonly createdAt: Date;
}

/** What a buyer paid. */
interface TakenMoney {
  readonly id: string;
  readonly money: Money;
}

/** The payments that the demo provider has taken, while its server runs: nothing of it is stored. */
export class DemoAccount {
  readonly #payments = new Map<string, AccountPayment>();

  /** Records a payment that succeeded; the same one again changes nothing. */
  add(orderId: string, { id, money }: TakenMoney, createdAt: Date): void {
    if (this.#payments.has(id)) return;
    const { currency } = money;
    this.#payments.set(id, { id, orderId, amount: decimalText(money), currency, createdAt });
  }

  /** The payments of a range, `to` excluded. */
  async *list({ from, to }: { readonly from: Date; readonly to: Date }) {
    for (const payment of this.#payments.values())
      if (payment.createdAt >= from && payment.createdAt < to) yield payment;
  }

  /** The payment with this id; null if there is none. */
  find(id: string): Promise<ProviderPayment | null> {
    return Promise.resolve(this.#payments.get(id) ?? null);
  }
}
