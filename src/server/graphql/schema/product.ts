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

/** A product's row, with its stock where the caller has it already. */
export type ListedProduct = Product & { readonly stock?: StockCount };

@ObjectType('Product', { description: 'What is on sale, and how many of it there are.' })
export class ProductType {
  @Field(() => ID, { description: 'A small integer in string form: "1".' })
  declare id: number;

  @Field(() => String, { description: 'What buyers call it.' })
  declare name: string;

  @Field(() => String, { nullable: true, description: 'What buyers should know of it.' })
  declare description: string | null;

  @Field(() => MoneyType, { description: 'The price of one unit.' })
  declare price: MoneyType;

  @Field(() => Int, { description: 'availableStock + heldStock + soldStock, always.' })
  declare totalStock: number;

  @Field(() => Int, { description: 'Units that can be held now.' })
  declare availableStock: number;

  @Field(() => Int, { description: 'Units in active holds and in orders awaiting payment.' })
  declare heldStock: number;

  @Field(() => Int, { description: 'Units in paid orders.' })
  declare soldStock: number;

  @Field(() => StockStatusEnum, { description: 'Why it can or cannot be held right now.' })
  declare stockStatus: StockStatus;

  @Field(() => Int, {
    description:
      "Rises with every change of this product's stock; a client drops a value older than the one it has.",
  })
  declare stockVersion: number;

  @Field(() => SaleStatusEnum, {
    description: 'Whether the sale is open, by the database’s clock.',
  })
  declare saleStatus: SaleStatus;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale begins; null: it has begun.',
  })
  declare saleStartsAt: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When the sale ends; null: it does not.' })
  declare saleEndsAt: Date | null;

  @Field(() => Int, { description: 'Most units in one hold.' })
  declare maxPerHold: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Most units one customer may have held, pending and paid together; null = no limit. When set, createHold without customerId is BAD_USER_INPUT.',
  })
  declare maxPerCustomer: number | null;

  @Field(() => DateTime, { description: 'When it was put on sale.' })
  declare createdAt: Date;

  @Field(() => DateTime, {
    description: 'When its name, price or rules last changed; its stock has stockVersion.',
  })
  declare updatedAt: Date;
}

@ObjectType('ProductEdge', { description: 'A product and where it stands in the list.' })
export class ProductEdge {
  @Field(() => String, { description: 'Where it stands; opaque.' })
  declare cursor: string;

  @Field(() => ProductType, { description: 'The product.' })
  declare node: ListedProduct;
}

@ObjectType('ProductConnection', { description: 'A page of the catalogue, newest first.' })
export class ProductConnection {
  @Field(() => [ProductEdge], { description: 'The products with their cursors.' })
  declare edges: readonly ProductEdge[];

  @Field(() => [ProductType], { description: 'The products alone.' })
  declare nodes: readonly ListedProduct[];

  @Field(() => PageInfo, { description: 'Where this page stands.' })
  declare pageInfo: PageInfo;

  @Field(() => Int, { description: 'How many products the whole list has.' })
  declare totalCount: number;
}

const CURSORS = new Cursors('product', parseProductId);

@ArgsType()
class ProductsArgs extends PageArgs {
  @Field(() => SaleStatusEnum, {
    nullable: true,
    description: 'Only products whose sale stands so.',
  })
  declare saleStatus?: SaleStatus | null;
}

@Resolver(() => ProductType)
export class ProductResolver {
  @Query(() => ProductType, { nullable: true, description: 'One product; null for an unknown id.' })
  async product(
    @Arg('id', () => ID, { description: 'A small integer in string form: "1".' }) id: string,
    @Ctx() { loaders }: Context,
  ): Promise<ListedProduct | null> {
    const productId = parseProductId(id);
    return productId === undefined ? null : loaders.product.load(productId);
  }

  @Query(() => ProductConnection, {
    description: 'Newest first, Relay cursors; first is 1 to 100.',
  })
  async products(
    @Args(() => ProductsArgs) args: ProductsArgs,
    @Ctx() { shop }: Context,
  ): Promise<ProductConnection> {
    const wanted = { ...CURSORS.wanted(args), saleStatus: args.saleStatus ?? null };
    return CURSORS.connection(await listProducts(shop, wanted), ({ id }) => id);
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

  @FieldResolver(() => Int)
  stockVersion(@Root() product: ListedProduct, @Ctx() context: Context): MaybePromise<number> {
    return ofStock(product, context, ({ version }) => version);
  }
}

/** At once where the value is known: a promise for each field of the hot product would cost more than the field. */
type MaybePromise<Value> = Value | Promise<Value>;

/** Something of a product's stock. Its row begins with the product, so a product that was read has one. */
function ofStock<Value>(
  { id, stock }: ListedProduct,
  { loaders }: Context,
  tell: (count: StockCount) => Value,
): MaybePromise<Value> {
  return stock ? tell(stock) : loaders.stock.load(id).then((count) => tell(count!));
}
