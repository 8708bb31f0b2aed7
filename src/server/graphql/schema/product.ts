import {
  Arg,
  Args,
  ArgsType,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { listProducts, type Product } from '../../../shop/catalog/find-products.ts';
import { parseProductId, saleStatus } from '../../../shop/catalog/product.rules.ts';
import type { SaleStatus, StockStatus } from '../../../shop/refusal.ts';
import { stockStatus, type StockCount } from '../../../shop/stock/stock.rules.ts';
import { Context } from '../context.ts';
import { SaleStatusEnum, StockStatusEnum } from './enums.ts';
import { Cursors, PageArgs, PageInfo } from './page.ts';
import { DateTime, moneyOf, MoneyType } from './scalars.ts';

/** A product's row, with its stock if the caller has already read it. */
export type ListedProduct = Product & { readonly stock?: StockCount };

@ObjectType('Product', { description: 'A product, its price, its sale and its stock.' })
export class ProductType {
  @Field(() => ID, { description: 'A small integer in string form: "1".' })
  declare id: number;

  @Field(() => String, { description: 'Name of the product.' })
  declare name: string;

  @Field(() => String, { nullable: true, description: 'Description for buyers.' })
  declare description: string | null;

  @Field(() => MoneyType, { description: 'Price of one unit.' })
  declare price: MoneyType;

  @Field(() => Int, { description: 'Always availableStock + heldStock + soldStock.' })
  declare totalStock: number;

  @Field(() => Int, { description: 'Units that are neither held nor sold.' })
  declare availableStock: number;

  @Field(() => Int, { description: 'Units in active holds and in orders awaiting payment.' })
  declare heldStock: number;

  @Field(() => Int, { description: 'Units in paid orders.' })
  declare soldStock: number;

  @Field(() => StockStatusEnum, { description: 'Whether units are available, held or sold out.' })
  declare stockStatus: StockStatus;

  @Field(() => Int, {
    description:
      "Increases with every change of this product's stock. A client ignores a state with a lower version than the one it has.",
  })
  declare stockVersion: number;

  @Field(() => SaleStatusEnum, {
    description: 'The state of the sale, by the database’s clock.',
  })
  declare saleStatus: SaleStatus;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale starts; null if it has no start time and is already open.',
  })
  declare saleStartsAt: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale ends; null if it has no end time.',
  })
  declare saleEndsAt: Date | null;

  @Field(() => Int, { description: 'Maximum units in one hold.' })
  declare maxPerHold: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Maximum units of one customer, counting active holds, pending orders and paid orders; null for no limit. If set, createHold without customerId fails with BAD_USER_INPUT.',
  })
  declare maxPerCustomer: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Address of a picture, https; null for none. The server stores no picture.',
  })
  declare imageUrl: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the last unit was taken, while none is available; null otherwise.',
  })
  declare soldOutAt: Date | null;

  @Field(() => DateTime, { description: 'When the product was created.' })
  declare createdAt: Date;

  @Field(() => DateTime, {
    description:
      'When the name, description, price, limits, sale window, pause or picture last changed. Stock changes do not count; see stockVersion.',
  })
  declare updatedAt: Date;
}

@ObjectType('ProductEdge', { description: 'A product and its cursor.' })
class ProductEdge {
  @Field(() => String, { description: 'Opaque position of the product in the list.' })
  declare cursor: string;

  @Field(() => ProductType, { description: 'The product.' })
  declare node: ListedProduct;
}

@ObjectType('ProductConnection', { description: 'A page of the catalogue, newest first.' })
class ProductConnection {
  @Field(() => [ProductEdge], { description: 'The products with their cursors.' })
  declare edges: readonly ProductEdge[];

  @Field(() => [ProductType], { description: 'The products without cursors.' })
  declare nodes: readonly ListedProduct[];

  @Field(() => PageInfo, { description: 'The position of this page.' })
  declare pageInfo: PageInfo;

  @Field(() => Int, { description: 'Number of products in the whole list.' })
  declare totalCount: number;
}

const CURSORS = new Cursors('product', parseProductId);

@ArgsType()
class ProductsArgs extends PageArgs {
  @Field(() => SaleStatusEnum, {
    nullable: true,
    description: 'Filter by the state of the sale.',
  })
  declare saleStatus?: SaleStatus | null;
}

@Resolver(() => ProductType)
export class ProductResolver {
  @Query(() => ProductType, {
    nullable: true,
    description: 'The product with this id; null for an unknown id.',
  })
  async product(
    @Arg('id', () => ID, { description: 'A small integer in string form: "1".' }) id: string,
    @Ctx() { loaders }: Context,
  ): Promise<ListedProduct | null> {
    const productId = parseProductId(id);
    return productId === undefined ? null : loaders.product.load(productId);
  }

  @Query(() => ProductConnection, {
    description: 'Products, newest first, in pages with Relay cursors.',
  })
  async products(
    @Args(() => ProductsArgs) args: ProductsArgs,
    @Ctx() { shop }: Context,
  ): Promise<ProductConnection> {
    const query = { ...CURSORS.pageRequest(args), saleStatus: args.saleStatus ?? null };
    return CURSORS.connection(await listProducts(shop, query), ({ id }) => id);
  }

  @FieldResolver(() => MoneyType)
  price(@Root() { priceMinor, currency }: ListedProduct): MoneyType {
    return moneyOf({ minor: priceMinor, currency });
  }

  @FieldResolver(() => SaleStatusEnum)
  saleStatus(@Root() product: ListedProduct): SaleStatus {
    return saleStatus(product, product.stock?.readAt ?? product.readAt);
  }

  @FieldResolver(() => Int)
  totalStock(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<number> {
    return ofStock(product, context, ({ total }) => total);
  }

  @FieldResolver(() => Int)
  availableStock(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<number> {
    return ofStock(product, context, ({ available }) => available);
  }

  @FieldResolver(() => Int)
  heldStock(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<number> {
    return ofStock(product, context, ({ held }) => held);
  }

  @FieldResolver(() => Int)
  soldStock(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<number> {
    return ofStock(product, context, ({ sold }) => sold);
  }

  @FieldResolver(() => StockStatusEnum)
  stockStatus(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<StockStatus> {
    return ofStock(product, context, stockStatus);
  }

  @FieldResolver(() => DateTime, { nullable: true })
  soldOutAt(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<Date | null> {
    return ofStock(product, context, ({ soldOutAt }) => soldOutAt);
  }

  @FieldResolver(() => Int)
  stockVersion(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<number> {
    return ofStock(product, context, ({ version }) => version);
  }
}

/** A known value is returned without a promise, which would cost more than the field itself. */
type MaybePromise<Value> = Value | Promise<Value>;

/** Reads a value from a product's stock. Every product has a stock row from its creation on. */
function ofStock<Value>(
  { id, stock }: ListedProduct,
  { loaders }: Context,
  read: (count: StockCount) => Value,
): MaybePromise<Value> {
  return stock ? read(stock) : loaders.stock.load(id).then((count) => read(count!));
}
