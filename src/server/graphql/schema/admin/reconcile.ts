import { Arg, Authorized, Ctx, Field, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { type Reconciliation } from '../../../../shop/reconciliation/reconcile.ts';
import { adminReconcile } from '../../../../shop/admin/admin-reconcile.ts';
import { adminCallerOf, Context } from '../../context.ts';

@ObjectType('Reconciliation', {
  description: 'The result of a reconciliation of stock, orders and payments.',
})
class ReconciliationType {
  @Field(() => Boolean, { description: 'True if no discrepancy is left after repair.' })
  declare balanced: boolean;

  @Field(() => [String], {
    description: 'One sentence for each discrepancy found, including repaired ones.',
  })
  declare findings: readonly string[];

  @Field(() => Int, { description: 'Number of products whose counters were repaired.' })
  declare repaired: number;
}

@Resolver()
export class ReconcileResolver {
  @Authorized()
  @Mutation(() => ReconciliationType, {
    description:
      'Admin: checks that stock movements, rows and counters of every product agree, and orders with payments. fix repairs counters only.',
  })
  reconcile(
    @Arg('fix', () => Boolean, {
      defaultValue: false,
      description: 'Whether wrong counters are repaired.',
    })
    fix: boolean,
    @Ctx() context: Context,
  ): Promise<Reconciliation> {
    return adminReconcile(context.shop, adminCallerOf(context), { fix });
  }
}
