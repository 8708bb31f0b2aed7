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
import { adminAdjustStock } from '../../../../shop/admin/admin-adjust-stock.ts';
import { auditStock, type StockAudit } from '../../../../shop/reconciliation/audit-stock.ts';
import { isRefusal, productNotFound } from '../../../../shop/refusal.ts';
import { listMovements, type StockMovement } from '../../../../shop/stock/list-movements.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { enumOf } from '../enums.ts';
import { checkInput, IDEMPOTENCY_KEY, REASON, TEXT } from '../input.ts';
import { connectionType, Cursors, PageArgs, type Connection, NO_PRODUCT } from '../page.ts';
import { ProductType } from '../product.ts';
import {
  toMutationResult,
  badUserInputError,
  BusyType,
  IdempotencyKeyReused,
  outcomeOf,
  ProductNotFound,
  StockBelowCommitted,
  StockVersionConflict,
} from '../refusals.ts';
import { DateTime } from '../scalars.ts';

@InputType('AdjustStockInput', { description: 'The change of the number of units for sale.' })
class AdjustStockInput {
  @Field(() => ID, { description: 'The product.' })
  declare productId: string;

  @Field(() => Int, {
    description:
      'Units to add to the total, or to remove if negative. The total never falls below held + sold.',
  })
  declare delta: number;

  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    description: 'The reason, 1 to 500 characters; stored with the stock movement.',
  })
  declare reason: string;

  @Field(() => Int, {
    nullable: true,
    description:
      'If the stock has another version, the result is StockVersionConflict; omit to skip the check.',
  })
  declare expectedVersion?: number | null;

  @ValidateIf((input: AdjustStockInput) => input.idempotencyKey != null)
  @Matches(IDEMPOTENCY_KEY.pattern, IDEMPOTENCY_KEY)
  @Field(() => String, { nullable: true, description: 'As in CreateHoldInput.' })
  declare idempotencyKey?: string | null;
}

@ObjectType('StockAudit', {
  description: 'The result of replaying every stock movement of a product.',
})
class StockAuditType {
  @Field(() => ID, { description: 'The product.' })
  declare productId: number;

  @Field(() => Boolean, {
    description: 'True if stock movements, rows and counters agree at every version.',
  })
  declare balanced: boolean;

  @Field(() => Int, { description: 'The version of the stock level.' })
  declare versions: number;

  @Field(() => Int, { description: 'Units for sale: available + held + sold.' })
  declare total: number;

  @Field(() => Int, { description: 'Available units.' })
  declare available: number;

  @Field(() => Int, { description: 'Held units.' })
  declare held: number;

  @Field(() => Int, { description: 'Sold units.' })
  declare sold: number;

  @Field(() => [String], { description: 'One sentence for each discrepancy.' })
  declare findings: readonly string[];
}

const StockCauseEnum = enumOf('StockCause', 'The cause of a stock movement.', {
  HOLD: 'Holds were created.',
  RELEASE: 'A buyer released a hold.',
  EXPIRY: 'Holds or orders expired; a sweep made their units available again.',
  SALE: 'An order was paid.',
  CANCELLATION: 'An order was cancelled.',
  RECLAIM: 'Holds or orders expired; a request that needed their units made them available again.',
  ADJUSTMENT: 'The admin changed the number of units for sale.',
  REPAIR: 'Wrong counters were repaired.',
});

@ObjectType('StockMovement', { description: 'One committed change of a product’s stock.' })
class StockMovementType {
  @Field(() => ID, { description: 'The product.' })
  declare productId: number;

  @Field(() => Int, {
    description: 'The version of the stock level after this change; each change adds 1.',
  })
  declare version: number;

  @Field(() => Int, { description: 'Change of the available units.' })
  declare availableDelta: number;

  @Field(() => Int, { description: 'Change of the held units.' })
  declare heldDelta: number;

  @Field(() => Int, { description: 'Change of the sold units.' })
  declare soldDelta: number;

  @Field(() => Int, { description: 'Change of the total: the sum of the other three.' })
  declare totalDelta: number;

  @Field(() => StockCauseEnum, { description: 'The cause of the change.' })
  declare cause: string;

  @Field(() => String, { nullable: true, description: 'The reason that the admin gave.' })
  declare reason: string | null;

  @Field(() => DateTime, { description: 'When the change was committed.' })
  declare at: Date;
}

const StockMovementConnection = connectionType(
  'StockMovementConnection',
  StockMovementType,
  'A page of stock movements.',
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
    description: 'Admin: changes the number of units for sale.',
  })
  async adjustStock(
    @Arg('input', () => AdjustStockInput, { validateFn: checkInput, description: 'The change.' })
    input: AdjustStockInput,
    @Ctx() context: Context,
  ): Promise<object> {
    const { delta, reason, expectedVersion = null, idempotencyKey = null } = input;
    if (delta === 0) throw badUserInputError('delta must not be 0.');
    const productId = parseProductId(input.productId);
    if (productId === undefined) return productNotFound;
    const { shop, loaders } = context;
    const stock = await toMutationResult(() =>
      adminAdjustStock(shop, adminCallerOf(context), {
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
    description: 'Admin: the stock movements of a product, newest first; first is 1 to 100.',
  })
  async stockMovements(
    @Args(() => StockMovementsArgs) args: StockMovementsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<StockMovement>> {
    const productId = parseProductId(args.productId) ?? NO_PRODUCT;
    // Versions are per product, so a cursor is valid for one product only.
    const cursors = new Cursors(`movement of ${productId}`, parseProductId);
    const page = await listMovements(shop, { ...cursors.pageRequest(args), productId });
    return cursors.connection(page, ({ version }) => version);
  }

  @Authorized()
  @Query(() => StockAuditType, {
    nullable: true,
    description: 'Admin: audits the stock of one product; null for an unknown id.',
  })
  async stockAudit(
    @Arg('productId', () => ID, { description: 'The product.' }) id: string,
    @Ctx() { shop }: Context,
  ): Promise<StockAudit | null> {
    const productId = parseProductId(id);
    return productId === undefined ? null : auditStock(shop, productId);
  }
}
