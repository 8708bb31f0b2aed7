import { Length, Matches, ValidateIf } from 'class-validator';
import {
  Arg,
  Authorized,
  Ctx,
  Field,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { parseProductId } from '../../catalog/product.rules.ts';
import { auditStock, type StockAudit } from '../../orders/audit-stock.ts';
import { isRefusal, productNotFound } from '../../refusal.ts';
import { adjustStock } from '../../stock/adjust-stock.ts';
import { createProduct } from '../../stock/create-product.ts';
import { Context } from './context.ts';
import { checkInput, IDEMPOTENCY_KEY, TEXT } from './input.ts';
import { ProductType, type ListedProduct } from './product.ts';
import {
  answered,
  badUserInputError,
  BusyType,
  IdempotencyKeyReused,
  outcomeOf,
  ProductNotFound,
  rightful,
  StockBelowCommitted,
  StockVersionConflict,
} from './refusal.ts';
import { DateTime, Decimal } from './scalars.ts';

@InputType('CreateProductInput', { description: 'What is to go on sale.' })
class CreateProductInput {
  @Length(1, 200, { message: '$property must be 1 to 200 characters' })
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { description: 'What buyers call it, 1 to 200 characters.' })
  declare name: string;

  @ValidateIf((input: CreateProductInput) => input.description != null)
  @Length(0, 5000, { message: '$property must be at most 5000 characters' })
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description: 'What buyers should know of it, at most 5000 characters.',
  })
  declare description?: string | null;

  @Matches(/^[0-9.]{1,20}$/, {
    message: '$property must be a plain decimal of at most 20 characters',
  })
  @Field(() => Decimal, {
    description: 'Exact decimal, with no more digits than the currency has.',
  })
  declare price: string;

  @Matches(/^[A-Za-z]{3}$/, { message: '$property must be an ISO 4217 code' })
  @Field(() => String, { description: 'ISO 4217 code.' })
  declare currency: string;

  @Field(() => Int, { description: 'Units offered, 0 or more.' })
  declare totalStock: number;

  @Field(() => Int, { defaultValue: 10, description: 'Most units in one hold, 1 or more.' })
  declare maxPerHold: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Most units one customer may have; omitted: no limit.',
  })
  declare maxPerCustomer?: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When the sale begins; omitted: at once.' })
  declare saleStartsAt?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale ends; omitted: it does not.',
  })
  declare saleEndsAt?: Date | null;
}

@InputType('AdjustStockInput', { description: 'How many units are to be offered more or less.' })
class AdjustStockInput {
  @Field(() => ID, { description: 'The product.' })
  declare productId: string;

  @Field(() => Int, {
    description: 'Units added to (or, negative, taken from) the total; never below held + sold.',
  })
  declare delta: number;

  @Length(1, 500, { message: '$property must be 1 to 500 characters' })
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    description: 'Why, 1 to 500 characters; it stands in the stock movement.',
  })
  declare reason: string;

  @Field(() => Int, {
    nullable: true,
    description:
      'Refused with StockVersionConflict when the stock has moved on; omitted: not compared.',
  })
  declare expectedVersion?: number | null;

  @ValidateIf((input: AdjustStockInput) => input.idempotencyKey != null)
  @Matches(IDEMPOTENCY_KEY.pattern, IDEMPOTENCY_KEY)
  @Field(() => String, { nullable: true, description: 'As in CreateHoldInput.' })
  declare idempotencyKey?: string | null;
}

@ObjectType('StockAudit', {
  description:
    'The law, replayed: balanced is true when movements, rows and counters agree at every version.',
})
class StockAuditType {
  @Field(() => ID, { description: 'The product.' })
  declare productId: number;

  @Field(() => Boolean, { description: 'Whether everything agrees.' })
  declare balanced: boolean;

  @Field(() => Int, { description: 'How many versions the stock has had.' })
  declare versions: number;

  @Field(() => Int, { description: 'Units offered.' })
  declare total: number;

  @Field(() => Int, { description: 'Units free.' })
  declare available: number;

  @Field(() => Int, { description: 'Units held.' })
  declare held: number;

  @Field(() => Int, { description: 'Units sold.' })
  declare sold: number;

  @Field(() => [String], { description: 'One sentence for each disagreement.' })
  declare findings: readonly string[];
}

const AdjustStockResult = outcomeOf('AdjustStockResult', ProductType, 'Product', [
  ProductNotFound,
  StockVersionConflict,
  StockBelowCommitted,
  IdempotencyKeyReused,
  BusyType,
]);

@Resolver()
export class AdminResolver {
  @Authorized()
  @Mutation(() => ProductType, { description: 'Operator: puts a product on sale.' })
  async createProduct(
    @Arg('input', () => CreateProductInput, { validateFn: checkInput, description: 'The product.' })
    input: CreateProductInput,
    @Ctx() { shop }: Context,
  ): Promise<ListedProduct> {
    const {
      description = null,
      maxPerCustomer = null,
      saleStartsAt = null,
      saleEndsAt = null,
      ...rest
    } = input;
    const made = rightful(
      await createProduct(shop, { ...rest, description, maxPerCustomer, saleStartsAt, saleEndsAt }),
    );
    return made as ListedProduct;
  }

  @Authorized()
  @Mutation(() => AdjustStockResult, {
    description: 'Operator: changes how many units are offered.',
  })
  async adjustStock(
    @Arg('input', () => AdjustStockInput, { validateFn: checkInput, description: 'The change.' })
    input: AdjustStockInput,
    @Ctx() { shop, loaders }: Context,
  ): Promise<object> {
    const { delta, reason, expectedVersion = null, idempotencyKey = null } = input;
    if (delta === 0) throw badUserInputError('delta is 0; it must add or take units.');
    const productId = parseProductId(input.productId);
    if (productId === undefined) return productNotFound;
    const stock = await answered(() =>
      adjustStock(shop, { productId, delta, reason, expectedVersion, idempotencyKey }),
    );
    return isRefusal(stock) ? stock : { ...(await loaders.product.load(productId))!, stock };
  }

  @Authorized()
  @Query(() => StockAuditType, {
    nullable: true,
    description: 'Operator: audits one product’s stock; null for an unknown id.',
  })
  async stockAudit(
    @Arg('productId', () => ID, { description: 'The product.' }) id: string,
    @Ctx() { shop }: Context,
  ): Promise<StockAudit | null> {
    const productId = parseProductId(id);
    return productId === undefined ? null : auditStock(shop, productId);
  }
}
