import { IsInt, Length, Matches, ValidateIf } from 'class-validator';
import { Arg, Authorized, Ctx, Field, ID, InputType, Int, Mutation, Resolver } from 'type-graphql';
import { parseProductId } from '../../../../shop/catalog/product.rules.ts';
import { adminPauseSale } from '../../../../shop/admin/admin-pause-sale.ts';
import { adminUpdateProduct, adminCreateProduct } from '../../../../shop/admin/admin-products.ts';
import { productNotFound } from '../../../../shop/refusal.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { checkInput, ONE_OR_MORE, TEXT } from '../input.ts';
import { ProductType, type ListedProduct } from '../product.ts';
import {
  BusyType,
  outcomeOf,
  ProductNotFound,
  throwIfBadInput,
  toMutationResult,
} from '../refusals.ts';
import { DateTime, Decimal } from '../scalars.ts';

/** The form of a price; the number of decimals is checked later, because it depends on the currency. */
const PRICE = {
  pattern: /^[0-9.]{1,20}$/,
  message: '$property must be a plain decimal of at most 20 characters',
};

const NAME_LENGTH = { message: '$property must be 1 to 200 characters' };
const DESCRIPTION_LENGTH = { message: '$property must be at most 5000 characters' };

@InputType('CreateProductInput', { description: 'The product to create.' })
class CreateProductInput {
  @Length(1, 200, NAME_LENGTH)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { description: 'The name, 1 to 200 characters.' })
  declare name: string;

  @ValidateIf((input: CreateProductInput) => input.description != null)
  @Length(0, 5000, DESCRIPTION_LENGTH)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description: 'The description, at most 5000 characters.',
  })
  declare description?: string | null;

  @Matches(PRICE.pattern, PRICE)
  @Field(() => Decimal, {
    description: 'Exact decimal, with no more digits than the currency has.',
  })
  declare price: string;

  @Matches(/^[A-Za-z]{3}$/, { message: '$property must be an ISO 4217 code' })
  @Field(() => String, { description: 'ISO 4217 code.' })
  declare currency: string;

  @Field(() => Int, { description: 'Number of units for sale, 0 or more.' })
  declare totalStock: number;

  @Field(() => Int, { defaultValue: 10, description: 'Maximum units in one hold, 1 or more.' })
  declare maxPerHold: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Maximum units for one customer; omit for no limit.',
  })
  declare maxPerCustomer?: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale starts; omit to start at once.',
  })
  declare saleStartsAt?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale ends; omit for no end.',
  })
  declare saleEndsAt?: Date | null;

  @ValidateIf((input: CreateProductInput) => input.imageUrl != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description: 'Address of a picture: https, at most 2,048 characters.',
  })
  declare imageUrl?: string | null;
}

/** Validates the field only if it is present: null is a value, and not valid for some fields. */
const ifPresent = (field: string) => ValidateIf((input: object) => field in input);

@InputType('UpdateProductInput', {
  description:
    'The changes to a product. An omitted field is unchanged; null clears an optional field.',
})
class UpdateProductInput {
  @Field(() => ID, { description: 'The product.' })
  declare id: string;

  @ifPresent('name')
  @Length(1, 200, NAME_LENGTH)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description: 'The name, 1 to 200 characters; not null.',
  })
  declare name?: string;

  @ValidateIf((input: UpdateProductInput) => input.description != null)
  @Length(0, 5000, DESCRIPTION_LENGTH)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description: 'The description, at most 5000 characters; null for none.',
  })
  declare description?: string | null;

  @ifPresent('price')
  @Matches(PRICE.pattern, PRICE)
  @Field(() => Decimal, {
    nullable: true,
    description:
      'Exact decimal, with no more digits than the currency has; not null. Existing holds and orders keep their price.',
  })
  declare price?: string;

  @ifPresent('maxPerHold')
  @IsInt(ONE_OR_MORE)
  @Field(() => Int, {
    nullable: true,
    description: 'Maximum units in one hold, 1 or more; not null.',
  })
  declare maxPerHold?: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Maximum units for one customer; null for no limit.',
  })
  declare maxPerCustomer?: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale starts; null to start at once.',
  })
  declare saleStartsAt?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale ends; null for no end.',
  })
  declare saleEndsAt?: Date | null;

  @ValidateIf((input: UpdateProductInput) => input.imageUrl != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    nullable: true,
    description: 'Address of a picture: https, at most 2,048 characters; null for none.',
  })
  declare imageUrl?: string | null;
}

const UpdateProductResult = outcomeOf('UpdateProductResult', ProductType, 'Product', [
  ProductNotFound,
]);

const SetSalePausedResult = outcomeOf('SetSalePausedResult', ProductType, 'Product', [
  ProductNotFound,
  BusyType,
]);

@Resolver()
export class AdminProductResolver {
  @Authorized()
  @Mutation(() => ProductType, { description: 'Admin: creates a product.' })
  async createProduct(
    @Arg('input', () => CreateProductInput, { validateFn: checkInput, description: 'The product.' })
    input: CreateProductInput,
    @Ctx() context: Context,
  ): Promise<ListedProduct> {
    const {
      description = null,
      maxPerCustomer = null,
      saleStartsAt = null,
      saleEndsAt = null,
      imageUrl = null,
      ...rest
    } = input;
    const product = { ...rest, description, maxPerCustomer, saleStartsAt, saleEndsAt, imageUrl };
    return throwIfBadInput(
      await adminCreateProduct(context.shop, adminCallerOf(context), product),
    ) as ListedProduct;
  }

  @Authorized()
  @Mutation(() => UpdateProductResult, {
    description: 'Admin: changes a product and its terms of sale.',
  })
  async updateProduct(
    @Arg('input', () => UpdateProductInput, { validateFn: checkInput, description: 'The change.' })
    input: UpdateProductInput,
    @Ctx() context: Context,
  ): Promise<object> {
    const { id: text, ...change } = input;
    const id = parseProductId(text);
    if (id === undefined) return productNotFound;
    return throwIfBadInput(
      await adminUpdateProduct(context.shop, adminCallerOf(context), { ...change, id }),
    );
  }

  @Authorized()
  @Mutation(() => SetSalePausedResult, {
    description:
      'Admin: pauses a sale or resumes it. While it is paused, createHold answers SaleNotOpen (PAUSED); existing holds and orders go on. Subscribers receive the change.',
  })
  setSalePaused(
    @Arg('productId', () => ID, { description: 'The product.' }) text: string,
    @Arg('paused', () => Boolean, { description: 'true pauses, false resumes.' }) paused: boolean,
    @Ctx() context: Context,
  ): Promise<object> {
    const id = parseProductId(text);
    if (id === undefined) return Promise.resolve(productNotFound);
    return toMutationResult(() =>
      adminPauseSale(context.shop, adminCallerOf(context), { id, paused }),
    );
  }
}
