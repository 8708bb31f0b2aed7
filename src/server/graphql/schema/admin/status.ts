import { Authorized, Ctx, Field, Float, ID, Int, ObjectType, Query, Resolver } from 'type-graphql';
import { readShopStatus } from '../../../../shop/admin/read-shop-status.ts';
import { Context } from '../../context.ts';
import { DateTime } from '../scalars.ts';

@ObjectType('Backlog', { description: 'Rows of one kind that wait, and the age of the oldest.' })
class BacklogType {
  @Field(() => Int, { description: 'Number of rows.' })
  declare count: number;

  @Field(() => Float, { description: 'Age of the oldest in seconds; 0 if there is none.' })
  declare oldestSeconds: number;
}

@ObjectType('LastReconciliation', { description: 'The last recorded reconciliation.' })
class LastReconciliationType {
  @Field(() => DateTime, { description: 'When it ended.' })
  declare at: Date;

  @Field(() => Boolean, { description: 'True if no discrepancy was left.' })
  declare balanced: boolean;

  @Field(() => Int, { description: 'Number of discrepancies that it found.' })
  declare findings: number;
}

@ObjectType('RefusalCount', { description: 'Refused requests for holds with one code.' })
class RefusalCountType {
  @Field(() => String, { description: 'The code of the refusal, or OVERLOADED.' })
  declare code: string;

  @Field(() => Int, { description: 'Number of requests.' })
  declare count: number;
}

@ObjectType('HoldAnswers', {
  description: 'Answers of the server process that answers this query, since its start.',
})
class HoldAnswersType {
  @Field(() => ID, { description: 'Names the process. Compare only readings of one process.' })
  declare processId: string;

  @Field(() => Int, { description: 'Requests that got a hold.' })
  declare held: number;

  @Field(() => [RefusalCountType], { description: 'Refused requests by code.' })
  declare refused: readonly RefusalCountType[];
}

@ObjectType('ShopStatus', { description: 'The state of the shop: backlogs, locks, answers.' })
class ShopStatusType {
  @Field(() => DateTime, { description: 'The database’s clock.' })
  declare now: Date;

  @Field(() => Int, { description: 'Active holds of all products.' })
  declare activeHolds: number;

  @Field(() => Int, { description: 'Orders that await payment.' })
  declare pendingOrders: number;

  @Field(() => BacklogType, { description: 'Payment events that wait for their order.' })
  declare parked: BacklogType;

  @Field(() => BacklogType, { description: 'Payment events that failed ten times.' })
  declare dead: BacklogType;

  @Field(() => BacklogType, { description: 'Successful payments that name no order.' })
  declare withoutOrder: BacklogType;

  @Field(() => BacklogType, { description: 'Refunds that are not resolved.' })
  declare openRefunds: BacklogType;

  @Field(() => BacklogType, { description: 'Events not yet delivered to enabled endpoints.' })
  declare deliveries: BacklogType;

  @Field(() => Float, { description: 'Seconds for which the oldest due hold or order is due.' })
  declare sweepLagSeconds: number;

  @Field(() => Float, {
    description:
      'Age in seconds of the oldest transaction of another session that may lock stock; 0 if none.',
  })
  declare stockLockSeconds: number;

  @Field(() => LastReconciliationType, {
    nullable: true,
    description: 'The last recorded reconciliation; null if there was none.',
  })
  declare lastReconciliation: LastReconciliationType | null;

  @Field(() => HoldAnswersType, { description: 'Answers to requests for holds.' })
  declare holdAnswers: HoldAnswersType;
}

@Resolver()
export class StatusResolver {
  @Authorized()
  @Query(() => ShopStatusType, { description: 'Admin: the state of the shop.' })
  async shopStatus(@Ctx() { shop }: Context): Promise<ShopStatusType> {
    const status = await readShopStatus(shop);
    const { processId, held, refused } = shop.holdAnswers;
    const counts = [...refused].map(([code, count]) => ({ code, count }));
    return { ...status, holdAnswers: { processId, held, refused: counts } };
  }
}
