import {
  Arg,
  Authorized,
  Ctx,
  Field,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { type Reconciliation } from '../../../../shop/reconciliation/reconcile.ts';
import {
  reconcileProvider,
  type ProviderReconciliation,
} from '../../../../shop/reconciliation/reconcile-provider.ts';
import { adminReconcile } from '../../../../shop/admin/admin-reconcile.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { throwIfBadInput } from '../refusals.ts';
import { DateTime, MoneyType } from '../scalars.ts';

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

@ObjectType('ProviderReconciliation', {
  description: 'Money of one provider over a time: what it took and what the shop recorded.',
})
class ProviderReconciliationType {
  @Field(() => String, { description: 'The provider.' })
  declare provider: string;

  @Field(() => DateTime, { description: 'Start of the time.' })
  declare from: Date;

  @Field(() => DateTime, { description: 'End of the time, not part of it.' })
  declare to: Date;

  @Field(() => [MoneyType], { description: 'What the provider took, a total for each currency.' })
  declare providerTotal: readonly MoneyType[];

  @Field(() => [MoneyType], { description: 'What the shop recorded, a total for each currency.' })
  declare recordedTotal: readonly MoneyType[];

  @Field(() => [String], {
    description: 'One sentence for each payment on one side only, or with another amount.',
  })
  declare findings: readonly string[];
}

@Resolver()
export class ReconcileResolver {
  @Authorized()
  @Query(() => ProviderReconciliationType, {
    description:
      'Admin: compares the successful payments of a provider with the recorded ones, for at most 31 days. OVERLOADED if the provider does not answer.',
  })
  async providerReconciliation(
    @Arg('provider', () => String, { description: 'A configured provider: "stripe".' })
    provider: string,
    @Arg('from', () => DateTime, { description: 'Start of the time.' }) from: Date,
    @Arg('to', () => DateTime, { description: 'End of the time, not part of it.' }) to: Date,
    @Ctx() { shop }: Context,
  ): Promise<ProviderReconciliation> {
    const done = await reconcileProvider(shop, { provider, from, to });
    return throwIfBadInput(done) as ProviderReconciliation;
  }

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
