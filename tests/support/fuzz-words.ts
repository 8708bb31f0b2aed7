import { randomUUID } from 'node:crypto';
import { ask, CANCEL_ORDER, CREATE_HOLD, CREATE_ORDER, RELEASE_HOLD } from './graphql-client.ts';
import { deliver, success } from './provider.ts';

/** Ids, tokens and cursors for random requests, by position; answers add new ones. */
export type KnownWords = Record<string, readonly string[]>;

/** The maximum for each position. The newest stay, because most of their holds and orders are active. */
const WORDS_MAX = 40;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** The fields of an answer to collect, and the positions where they are valid. */
const LESSONS: readonly (readonly [pattern: RegExp, places: readonly string[]])[] = [
  [new RegExp(`${UUID}\\.[\\w-]{43}`, 'g'), ['token', 'holdToken']],
  [new RegExp(`${UUID}(?!\\.)`, 'g'), ['id']],
  [new RegExp(`(?<="orderId":")${UUID}`, 'g'), ['orderId']],
  [/(?<="(?:start|end)?cursor":")[\w-]+/gi, ['after']],
];

/** Collects the tokens, ids and cursors of an answer. */
export function learn(words: KnownWords, text: string): void {
  for (const [pattern, places] of LESSONS) {
    const learnt = text.match(pattern) ?? [];
    for (const place of places) words[place] = [...words[place]!, ...learnt].slice(-WORDS_MAX);
  }
}

/** Creates a purchase in each state; returns the ids and tokens of them and of the products. */
export async function knownWords(
  url: string,
  { productId, secret }: { readonly productId: string; readonly secret: string },
): Promise<KnownWords> {
  const hold = async (): Promise<{ token: string; orderId: string }> =>
    ask(url, CREATE_HOLD, { input: { productId } });
  const order = async (): Promise<{ token: string; orderId: string }> => {
    const held = await hold();
    await ask(url, CREATE_ORDER, { token: held.token });
    return held;
  };
  const pay = (orderId: string, fields = {}) => deliver(url, success(orderId, fields), { secret });

  const released = await hold();
  await ask(url, RELEASE_HOLD, { token: released.token });
  const pending = await order();
  await pay(pending.orderId, { amount: '0.01', currency: 'USD' });
  const cancelled = await order();
  await ask(url, CANCEL_ORDER, { token: cancelled.token });
  const paid = await order();
  await pay(paid.orderId);
  await pay(randomUUID());

  const tokens = [released, pending, cancelled, paid].map(({ token }) => token);
  const orderIds = [pending, cancelled, paid].map(({ orderId }) => orderId);
  // Later ids belong to products that the requests will create.
  const productIds = Array.from({ length: 12 }, (_, n) => String(n + 1));
  return {
    productId: productIds,
    productIds,
    'product.id': productIds,
    'UpdateProductInput.id': productIds,
    id: orderIds,
    orderId: orderIds,
    token: tokens,
    holdToken: tokens,
    // Only these, not collected ones: the stream of an order is silent until the order exists.
    'orderChanged.holdToken': tokens,
    after: [Buffer.from('product:2').toString('base64url')],
  };
}
