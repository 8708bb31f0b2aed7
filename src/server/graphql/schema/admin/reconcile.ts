import { Arg, Authorized, Ctx, Field, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { type Reconciliation } from '../../../../shop/reconciliation/reconcile.ts';
import { adminReconcile } from '../../../../shop/admin/admin-reconcile.ts';
import { Context } from '../../context.ts';
import { operatorOf } from './operator.ts';

@ObjectType('Reconciliation', {
  description: 'Whether movements, rows and counters, orders and payments agree.',
})
class ReconciliationType {
  @Field(() => Boolean, { description: 'Whether everything agrees now, after what was repaired.' })
  declare balanced: boolean;

  @Field(() => [String], {
    description: 'One sentence for each disagreement that was found, the repaired ones included.',
  })
  declare findings: readonly string[];

  @Field(() => Int, { description: 'Products whose counters were put right.' })
  declare repaired: number;
}

@Resolver()
export class ReconcileResolver {
  @Authorized()
  @Mutation(() => ReconciliationType, {
    description:
      'Operator: holds movements, rows and counters of every product, and orders and payments, against each other. With fix, counters that disagree are put right, and nothing else.',
  })
  reconcile(
    @Arg('fix', () => Boolean, {
      defaultValue: false,
      description: 'Whether counters are put right.',
    })
    fix: boolean,
    @Ctx() context: Context,
  ): Promise<Reconciliation> {
    return adminReconcile(context.shop, operatorOf(context), { fix });
  }
}
