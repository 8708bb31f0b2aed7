import { randomUUID } from 'node:crypto';
import { ask, CANCEL_ORDER, CREATE_HOLD, CREATE_ORDER, RELEASE_HOLD } from './graphql-client.ts';
import { deliver, success } from './provider.ts';

/** What requests at random know to ask for, by the places where it is asked; it grows with the answers. */
export type KnownWords = Record<string, readonly string[]>;

/** Most words remembered for a place: the newest, so that most are of holds and orders that live. */
const WORDS_MAX = 40;

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** What is learnt from an answer, and for which places. */
const LESSONS: readonly (readonly [pattern: RegExp, places: readonly string[]])[] = [
  [new RegExp(`${UUID}\\.[\\w-]{43}`, 'g'), ['token', 'holdToken']],
  [new RegExp(`${UUID}(?!\\.)`, 'g'), ['id']],
  [new RegExp(`(?<="orderId":")${UUID}`, 'g'), ['orderId']],
  [/(?<="(?:start|end)?cursor":")[\w-]+/gi, ['after']],
];

/** Remembers the tokens, ids and cursors of an answer. */
export function learn(words: KnownWords, text: string): void {
  for (const [pattern, places] of LESSONS) {
    const learnt = text.match(pattern) ?? [];
    for (const place of places) words[place] = [...words[place]!, ...learnt].slice(-WORDS_MAX);
  }
}

/** Makes a purchase in each of its states, and gives the words by which they and products are known. */
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
  // Beyond the products that there are stand those that the requests will make.
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
    // These only and none that is learnt: a stream of an order says nothing until there is one.
    'orderChanged.holdToken': tokens,
    after: [Buffer.from('product:2').toString('base64url')],
  };
}
