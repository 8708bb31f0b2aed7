import { newId } from '../../src/lib/ids.ts';
import {
  ProviderRefusal,
  type PaymentProvider,
  type PaymentToStart,
} from '../../src/shop/payments/providers/payment-provider.ts';

const { signal } = new AbortController();

/** A payment of 29.99 USD for an order that was just made. */
export function paymentToStart(fields: Partial<PaymentToStart> = {}): PaymentToStart {
  const orderId = newId();
  const createdAt = new Date();
  return {
    sessionId: newId(),
    orderId,
    description: '1 × Widget',
    amount: { minor: 2999n, currency: 'USD' },
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 600_000),
    returnUrl: null,
    idempotencyKey: `order:${orderId}`,
    ...fields,
  };
}

/**
 * What the shop requires of every provider that starts payments. A new provider's test calls it.
 *
 * @param refused a payment that the provider refuses, if there is one
 */
export function describeProvider(
  name: string,
  open: () => PaymentProvider,
  refused?: Partial<PaymentToStart>,
): void {
  describe(`the provider ${name}`, () => {
    test('starts one payment for a key, in any number of calls', async () => {
      const provider = open();
      const payment = paymentToStart({ returnUrl: 'https://shop.example/' });

      const first = await provider.start!(payment, signal);
      const again = await provider.start!(payment, signal);
      const other = await provider.start!(paymentToStart(), signal);

      expect(again).toEqual(first);
      expect(other.id).not.toBe(first.id);
      expect([first, other].map(({ clientSecret, url }) => (clientSecret ?? url) !== null)).toEqual(
        [true, true],
      );
    });

    test('cancels a payment, and reports it as final when it is asked again', async () => {
      const provider = open();
      const { id } = await provider.start!(paymentToStart(), signal);

      const ends = [];
      for (const attempt of [0, 1])
        ends.push(await provider.cancel!({ id, idempotencyKey: `cancel:${attempt}` }, signal));

      expect(ends).toEqual(['cancelled', 'cancelled']);
    });

    if (refused === undefined) return;
    test('throws a ProviderRefusal where nothing was started', async () => {
      const starting = async () => open().start!(paymentToStart(refused), signal);

      await expect(starting()).rejects.toThrow(ProviderRefusal);
    });
  });
}
