import { Arg, ID, Resolver, Root, Subscription } from 'type-graphql';
import { findProducts, type Product } from '../../../shop/catalog/find-products.ts';
import { parseProductId } from '../../../shop/catalog/product.rules.ts';
import type { Hold, Order } from '../../../shop/purchases/reads/find-purchases.ts';
import { watchHold, watchOrder } from '../../../live/watch-purchase.ts';
import type { LiveShop } from '../../../live/live-shop.ts';
import { LiveProducts } from '../../../live/live-products.ts';
import { limitInvalidToken, type Context } from '../context.ts';
import { HoldType } from './hold.ts';
import { OrderType } from './order.ts';
import { ProductType, type ListedProduct } from './product.ts';
import { badUserInputError } from './refusals.ts';

/** Most products one subscription may name. */
const PRODUCTS_MAX = 50;

type Subscribing<Arguments> = { readonly args: Arguments; readonly context: Context };

@Resolver()
export class StreamResolver {
  @Subscription(() => ProductType, {
    description:
      'Sends the current state of each product (1 to 50), then every change made on any server. At most 20 events a second for each product; the newest state replaces older ones. stockVersion never decreases.',
    subscribe: ({ args, context }: Subscribing<{ productIds: string[] }>) =>
      subscribeStock(context, args.productIds),
  })
  stockChanged(
    @Root() product: ListedProduct,
    @Arg('productIds', () => [ID], { description: 'The products, 1 to 50.' }) _productIds: string[],
  ): ListedProduct {
    return product;
  }

  @Subscription(() => HoldType, {
    description:
      'Sends the current state, then every change of status. Expiry is sent at most 250 ms after the deadline. Completes when the hold is no longer active.',
    subscribe: ({ args, context }: Subscribing<{ token: string }>) =>
      openStream(args.token, context, watchHold),
  })
  holdChanged(
    @Root() hold: Hold,
    @Arg('token', () => String, { description: 'The hold token.' }) _token: string,
  ): Hold {
    return hold;
  }

  @Subscription(() => OrderType, {
    description:
      'Sends the current state as soon as the order exists, then every change of status after its commit. Completes when the order is no longer pending, or when the hold ends without an order.',
    subscribe: ({ args, context }: Subscribing<{ holdToken: string }>) =>
      openStream(args.holdToken, context, watchOrder),
  })
  orderChanged(
    @Root() order: Order,
    @Arg('holdToken', () => String, { description: 'The hold token.' }) _holdToken: string,
  ): Order {
    return order;
  }
}

async function subscribeStock({ shop }: Context, ids: readonly string[]): Promise<LiveProducts> {
  if (ids.length < 1 || ids.length > PRODUCTS_MAX) {
    throw badUserInputError(
      `productIds has ${ids.length} entries; it must have 1 to ${PRODUCTS_MAX}.`,
    );
  }
  const products = await productsNamed(shop, [...new Set(ids)]);
  return new LiveProducts(shop, [...products.keys()]);
}

/** The products of these ids, in this order. @throws GraphQLError BAD_USER_INPUT for an unknown id */
async function productsNamed(
  shop: Context['shop'],
  ids: readonly string[],
): Promise<Map<number, Product>> {
  const productIds = ids.map(parseProductId);
  const found = await findProducts(
    shop,
    productIds.flatMap((id) => id ?? []),
  );
  const products = new Map(found.map((product) => [product.id, product]));
  const unknown = ids.filter((_, position) => !products.has(productIds[position] ?? 0));
  if (unknown.length > 0)
    throw badUserInputError(`No product has the id ${JSON.stringify(unknown[0]!.slice(0, 40))}.`);
  return products;
}

/** The stream of a token's hold or order. @throws GraphQLError BAD_USER_INPUT for an unknown token */
async function openStream<State>(
  token: string,
  context: Context,
  watch: (shop: LiveShop, token: string) => Promise<AsyncIterableIterator<State> | null>,
): Promise<AsyncIterableIterator<State>> {
  await limitInvalidToken(context, token);
  const stream = await watch(context.shop, token);
  if (stream === null) throw badUserInputError('No hold has this token.');
  return stream;
}
