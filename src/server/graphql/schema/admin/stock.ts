import { Length, Matches, ValidateIf } from 'class-validator';
import {
  Arg,
  Args,
  ArgsType,
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
import { parseProductId } from '../../../../shop/catalog/product.rules.ts';
import { changeStock } from '../../../../shop/admin/change-stock.ts';
import { auditStock, type StockAudit } from '../../../../shop/reconciliation/audit-stock.ts';
import { isRefusal, productNotFound } from '../../../../shop/refusal.ts';
import { listMovements, type StockMovement } from '../../../../shop/stock/list-movements.ts';
import { Context } from '../../context.ts';
import { enumOf } from '../enums.ts';
import { checkInput, IDEMPOTENCY_KEY, REASON, TEXT } from '../input.ts';
import { connectionType, Cursors, PageArgs, type Connection } from '../page.ts';
import { ProductType } from '../product.ts';
import {
  answered,
  badUserInputError,
  BusyType,
  IdempotencyKeyReused,
  outcomeOf,
  ProductNotFound,
  StockBelowCommitted,
  StockVersionConflict,
} from '../refusals.ts';
import { DateTime } from '../scalars.ts';
import { NO_PRODUCT } from './filter.ts';
import { operatorOf } from './operator.ts';

@InputType('AdjustStockInput', { description: 'How many units are to be offered more or less.' })
class AdjustStockInput {
  @Field(() => ID, { description: 'The product.' })
  declare productId: string;

  @Field(() => Int, {
    description: 'Units added to (or, negative, taken from) the total; never below held + sold.',
  })
  declare delta: number;

  @Length(1, REASON.max, REASON)
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

const StockCauseEnum = enumOf('StockCause', 'Why a product’s stock changed.', {
  HOLD: 'Buyers held units.',
  RELEASE: 'A buyer gave a hold’s units back.',
  EXPIRY: 'Holds or orders expired, and their units went back.',
  SALE: 'An order was paid.',
  CANCELLATION: 'An order was cancelled.',
  RECLAIM: 'Units that were due went back because someone lacked them.',
  ADJUSTMENT: 'The operator changed how many are offered.',
  REPAIR: 'Counters were put right after damage.',
});

@ObjectType('StockMovement', { description: 'One committed change of a product’s stock.' })
class StockMovementType {
  @Field(() => ID, { description: 'The product.' })
  declare productId: number;

  @Field(() => Int, { description: 'The version that it made; each is one more than the last.' })
  declare version: number;

  @Field(() => Int, { description: 'Units that became free or, negative, ceased to be.' })
  declare availableDelta: number;

  @Field(() => Int, { description: 'The same for held units.' })
  declare heldDelta: number;

  @Field(() => Int, { description: 'The same for sold units.' })
  declare soldDelta: number;

  @Field(() => Int, { description: 'The same for all units: the sum of the three.' })
  declare totalDelta: number;

  @Field(() => StockCauseEnum, { description: 'Why.' })
  declare cause: string;

  @Field(() => String, { nullable: true, description: 'The operator’s own words for it.' })
  declare reason: string | null;

  @Field(() => DateTime, { description: 'When.' })
  declare at: Date;
}

const StockMovementConnection = connectionType(
  'StockMovementConnection',
  StockMovementType,
  'A page of what changed a product’s stock.',
);

@ArgsType()
class StockMovementsArgs extends PageArgs {
  @Field(() => ID, { description: 'The product.' })
  declare productId: string;
}

const AdjustStockResult = outcomeOf('AdjustStockResult', ProductType, 'Product', [
  ProductNotFound,
  StockVersionConflict,
  StockBelowCommitted,
  IdempotencyKeyReused,
  BusyType,
]);

@Resolver()
export class AdminStockResolver {
  @Authorized()
  @Mutation(() => AdjustStockResult, {
    description: 'Operator: changes how many units are offered.',
  })
  async adjustStock(
    @Arg('input', () => AdjustStockInput, { validateFn: checkInput, description: 'The change.' })
    input: AdjustStockInput,
    @Ctx() context: Context,
  ): Promise<object> {
    const { delta, reason, expectedVersion = null, idempotencyKey = null } = input;
    if (delta === 0) throw badUserInputError('delta is 0; it must add or take units.');
    const productId = parseProductId(input.productId);
    if (productId === undefined) return productNotFound;
    const { shop, loaders } = context;
    const stock = await answered(() =>
      changeStock(shop, operatorOf(context), {
        productId,
        delta,
        reason,
        expectedVersion,
        idempotencyKey,
      }),
    );
    return isRefusal(stock) ? stock : { ...(await loaders.product.load(productId))!, stock };
  }

  @Authorized()
  @Query(() => StockMovementConnection, {
    description: 'Operator: what changed a product’s stock, newest first; first is 1 to 100.',
  })
  async stockMovements(
    @Args(() => StockMovementsArgs) args: StockMovementsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<StockMovement>> {
    const productId = parseProductId(args.productId) ?? NO_PRODUCT;
    // Versions are counted by product, so each product's movements are a list of their own.
    const cursors = new Cursors(`movement of ${productId}`, parseProductId);
    const page = await listMovements(shop, { ...cursors.wanted(args), productId });
    return cursors.connection(page, ({ version }) => version);
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
