import {
  Arg,
  Authorized,
  Ctx,
  Field,
  Float,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { parseProductId } from '../../../../shop/catalog/product.rules.ts';
import { saleTimeline, type TimelinePoint } from '../../../../shop/reconciliation/sale-timeline.ts';
import { Context } from '../../context.ts';
import { throwIfBadInput } from '../refusals.ts';
import { DateTime, Decimal } from '../scalars.ts';

@ObjectType('TimelinePoint', {
  description: 'One step of a sale: the counters at its end, and what moved in it.',
})
class TimelinePointType {
  @Field(() => DateTime, {
    description: 'The end of the step. What moved exactly then belongs to the next step.',
  })
  declare at: Date;

  @Field(() => Int, { description: 'Available units at the end of the step.' })
  declare available: number;

  @Field(() => Int, { description: 'Held units at the end of the step.' })
  declare held: number;

  @Field(() => Int, { description: 'Sold units at the end of the step.' })
  declare sold: number;

  @Field(() => Int, { description: 'Units held in the step.' })
  declare unitsHeld: number;

  @Field(() => Int, { description: 'Units of holds released and pending orders cancelled.' })
  declare unitsReleased: number;

  @Field(() => Int, { description: 'Units of holds and orders that expired.' })
  declare unitsExpired: number;

  @Field(() => Int, { description: 'Units of orders paid in the step.' })
  declare unitsSold: number;

  @Field(() => Decimal, {
    description: 'Total of the orders paid in the step, in the currency of the product.',
  })
  declare revenue: string;
}

@Resolver()
export class TimelineResolver {
  @Authorized()
  @Query(() => [TimelinePointType], {
    description:
      'Admin: the course of a sale from `from` to `to`, from the stock movements. At most 1,000 points; empty for an unknown product.',
  })
  async saleTimeline(
    @Arg('productId', () => ID, { description: 'The product.' }) id: string,
    @Arg('from', () => DateTime, { description: 'Start of the first step.' }) from: Date,
    @Arg('to', () => DateTime, { description: 'End of the last step.' }) to: Date,
    @Arg('stepSeconds', () => Float, {
      defaultValue: 1,
      description: 'Length of a step in seconds, 0.001 or more.',
    })
    stepSeconds: number,
    @Ctx() { shop }: Context,
  ): Promise<readonly TimelinePoint[]> {
    // No product has the id 0.
    const productId = parseProductId(id) ?? 0;
    const points = await saleTimeline(shop, { productId, from, to, stepSeconds });
    return throwIfBadInput(points) as readonly TimelinePoint[];
  }
}
