import { Length, Matches, Min, ValidateIf } from 'class-validator';
import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { parseProductId } from '../../../shop/catalog/product.rules.ts';
import { createHold } from '../../../shop/purchases/create-hold.ts';
import type { HoldAnswer } from '../../../shop/purchases/batches/queues.ts';
import { findHold, type Hold, type Order } from '../../../shop/purchases/reads/find-purchases.ts';
import { holdStatus } from '../../../shop/purchases/hold.rules.ts';
import type { Metadata as Notes } from '../../../shop/purchases/metadata.rules.ts';
import { releaseHold } from '../../../shop/purchases/release-hold.ts';
import { totalMinor } from '../../../shop/purchases/order.rules.ts';
import { remainingMs } from '../../../shop/purchases/status.rules.ts';
import { productNotFound, type Busy } from '../../../shop/refusal.ts';
import { Context, limitInvalidToken } from '../context.ts';
import { HoldStatusEnum } from './enums.ts';
import { checkInput, IDEMPOTENCY_KEY, IsMetadata, ONE_OR_MORE, TEXT } from './input.ts';
import { OrderType } from './order.ts';
import { ProductType, type ListedProduct } from './product.ts';
import {
  BusyType,
  HoldNotActive,
  HoldNotFound,
  IdempotencyKeyReused,
  InsufficientStock,
  outcomeOf,
  ProductNotFound,
  PurchaseLimitExceeded,
  SaleNotOpen,
  toMutationResult,
} from './refusals.ts';
import { DateTime, Metadata, moneyOf, MoneyType } from './scalars.ts';

@ObjectType('Hold', {
  description: 'A temporary reservation of units of one product for one buyer, until expiresAt.',
})
export class HoldType {
  @Field(() => ID, { description: 'UUIDv7. An identifier, not a credential.' })
  declare id: string;

  @Field(() => String, {
    description:
      'The secret that authorizes every call for this hold and its order. A repeated createHold returns the same token. The server does not store it in clear text.',
  })
  declare token: string;

  @Field(() => ProductType, { description: 'The product.' })
  declare product: ListedProduct;

  @Field(() => Int, { description: 'Number of units.' })
  declare quantity: number;

  @Field(() => MoneyType, { description: 'Price of one unit, fixed when the hold was created.' })
  declare unitPrice: MoneyType;

  @Field(() => MoneyType, { description: 'unitPrice times quantity.' })
  declare totalAmount: MoneyType;

  @Field(() => HoldStatusEnum, {
    description: 'EXPIRED from expiresAt on, even before a sweep has processed the hold.',
  })
  declare status: string;

  @Field(() => DateTime, { description: 'When the hold was created.' })
  declare createdAt: Date;

  @Field(() => DateTime, { description: 'When the hold expires.' })
  declare expiresAt: Date;

  @Field(() => Int, {
    description:
      "Milliseconds until expiresAt by the server's clock, 0 to 2147483647. Use it for a countdown; the client's clock may differ.",
  })
  declare remainingMs: number;

  @Field(() => ID, {
    description:
      "The id of this hold's order, known before the order exists. A payment may start with it before createOrder; its payment event then waits for the order.",
  })
  declare orderId: string;

  @Field(() => String, {
    nullable: true,
    description: 'The customer id that the client gave; null if none was given.',
  })
  declare customerId: string | null;

  @Field(() => Metadata, { description: 'What the client attached; empty if nothing.' })
  declare metadata: Notes;

  @Field(() => OrderType, {
    nullable: true,
    description: 'The order made from this hold; null before createOrder.',
  })
  declare order: Order | null;
}

@InputType('CreateHoldInput', { description: 'The units to hold.' })
class CreateHoldInput {
  @Field(() => ID, { description: 'The product.' })
  declare productId: string;

  @Min(1, ONE_OR_MORE)
  @Field(() => Int, { defaultValue: 1, description: "1 to the product's maxPerHold." })
  declare quantity: number;

  @ValidateIf((input: CreateHoldInput) => input.customerId != null)
  @Length(1, 128, { message: '$property must be 1 to 128 characters' })
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description:
      'Stable reference of the buyer, 1 to 128 characters. Required if the product has maxPerCustomer. Compared byte for byte: case, spaces and Unicode forms count. The limit depends on this value alone, so the caller must authenticate the buyer.',
  })
  declare customerId?: string | null;

  @ValidateIf((input: CreateHoldInput) => input.idempotencyKey != null)
  @Matches(IDEMPOTENCY_KEY.pattern, IDEMPOTENCY_KEY)
  @Field(() => String, {
    nullable: true,
    description:
      'A random key chosen by the client, 16 to 128 printable ASCII characters; a UUID is a good choice. Repeated or parallel requests with the same key and arguments return the same hold. The response contains the token, so keep the key as secret as the token.',
  })
  declare idempotencyKey?: string | null;

  @ValidateIf((input: CreateHoldInput) => input.metadata != null)
  @IsMetadata()
  @Field(() => Metadata, {
    nullable: true,
    description:
      "The client's own notes: at most 20 strings, keys of 1 to 40 characters (letters, digits, _ . -), values up to 500 characters. Copied to the order and its events. A repeated idempotencyKey needs the same notes.",
  })
  declare metadata?: Notes | null;
}

const CreateHoldResult = outcomeOf('CreateHoldResult', HoldType, 'Hold', [
  ProductNotFound,
  InsufficientStock,
  SaleNotOpen,
  PurchaseLimitExceeded,
  IdempotencyKeyReused,
  BusyType,
]);

const ReleaseHoldResult = outcomeOf('ReleaseHoldResult', HoldType, 'Hold', [
  HoldNotFound,
  HoldNotActive,
  BusyType,
]);

@Resolver(() => HoldType)
export class HoldResolver {
  @Query(() => HoldType, {
    nullable: true,
    description: 'The hold of this token; null for an unknown token.',
  })
  async hold(
    @Arg('token', () => String, { description: 'The hold token.' }) token: string,
    @Ctx() context: Context,
  ): Promise<Hold | null> {
    await limitInvalidToken(context, token);
    return findHold(context.shop, token);
  }

  @Mutation(() => CreateHoldResult, {
    description: 'Reserves units for one buyer until the hold expires.',
  })
  async createHold(
    @Arg('input', () => CreateHoldInput, {
      validateFn: checkInput,
      description: 'The units to hold.',
    })
    input: CreateHoldInput,
    @Ctx() { shop, caller, limits }: Context,
  ): Promise<HoldAnswer | Busy> {
    await limits.count('holds', caller);
    const { quantity, customerId = null, idempotencyKey = null } = input;
    const metadata = input.metadata ?? {};
    const productId = parseProductId(input.productId);
    if (productId === undefined) return productNotFound;
    return toMutationResult(() =>
      createHold(shop, { productId, quantity, customerId, metadata, idempotencyKey }),
    );
  }

  @Mutation(() => ReleaseHoldResult, {
    description:
      'Ends a hold and makes its units available at once. Releasing a released hold returns it again.',
  })
  async releaseHold(
    @Arg('token', () => String, { description: 'The hold token.' }) token: string,
    @Ctx() context: Context,
  ): Promise<object> {
    await limitInvalidToken(context, token);
    return toMutationResult(() => releaseHold(context.shop, token));
  }

  @FieldResolver(() => String)
  token(@Root() { id }: Hold, @Ctx() { shop }: Context): string {
    return shop.holdTokens.issue(id);
  }

  @FieldResolver(() => ProductType)
  async product(@Root() { productId }: Hold, @Ctx() { loaders }: Context): Promise<ListedProduct> {
    return (await loaders.product.load(productId))!;
  }

  @FieldResolver(() => MoneyType)
  unitPrice(@Root() { unitPriceMinor, currency }: Hold): MoneyType {
    return moneyOf({ minor: unitPriceMinor, currency });
  }

  @FieldResolver(() => MoneyType)
  totalAmount(@Root() hold: Hold): MoneyType {
    return moneyOf({ minor: totalMinor(hold), currency: hold.currency });
  }

  @FieldResolver(() => HoldStatusEnum)
  status(@Root() hold: Hold): string {
    return holdStatus(hold);
  }

  @FieldResolver(() => Int)
  remainingMs(@Root() hold: Hold): number {
    return holdStatus(hold) === 'ACTIVE' ? remainingMs(hold.readAt, hold.expiresAt) : 0;
  }

  @FieldResolver(() => OrderType, { nullable: true })
  order(
    @Root() { status, orderId }: Hold,
    @Ctx() { loaders }: Context,
  ): Promise<Order | null> | null {
    return status === 'CONVERTED' ? loaders.order.load(orderId) : null;
  }
}
