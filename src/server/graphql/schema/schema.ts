import { printSchema, type GraphQLAbstractType, type GraphQLSchema } from 'graphql';
import {
  buildSchemaSync,
  Ctx,
  Query,
  Resolver,
  type AuthCheckerFn,
  type PubSub,
} from 'type-graphql';
import { now } from '../../../postgres/clock.ts';
import { Context } from '../context.ts';
import { HoldResolver } from './hold.ts';
import { OrderResolver, RefundResolver } from './order.ts';
import { ProductResolver } from './product.ts';
import { TYPE_RESOLVERS } from './refusals.ts';
import { DateTime } from './scalars.ts';
import { StreamResolver } from './subscriptions.ts';
// After the buyer's part: schema.graphql is printed in the order in which these are read.
import { AdminProductResolver } from './admin/products.ts';
import { AdminStockResolver } from './admin/stock.ts';
import { AdminHoldResolver, AdminOrderResolver } from './admin/orders.ts';
import { AdminPaymentResolver } from './admin/payments.ts';
import { ReconcileResolver } from './admin/reconcile.ts';

@Resolver()
class ClockResolver {
  @Query(() => DateTime, { description: 'The clock that decides every deadline.' })
  serverTime(@Ctx() { shop }: Context): Promise<Date> {
    return now(shop.database);
  }
}

/** TypeGraphQL asks for one wherever there are subscriptions; ours bring their own streams. */
const NO_PUB_SUB: PubSub = {
  publish() {},
  subscribe() {
    throw new Error('Every subscription brings its own stream.');
  },
};

/** Lets the operator pass; who tries to without the right is put on record and counted. */
const isOperator: AuthCheckerFn<Context> = async ({ context: { shop, caller, limits }, info }) => {
  if (caller.isAdmin) return true;
  const { address, requestId } = caller;
  await shop.unauthorizedAttempts.record({ name: info.fieldName, address, requestId });
  await limits.count('admin', caller);
  return false;
};

/** The resolvers as one executable schema. */
export function buildShopSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ProductResolver,
      HoldResolver,
      OrderResolver,
      RefundResolver,
      ClockResolver,
      StreamResolver,
      AdminProductResolver,
      AdminStockResolver,
      AdminOrderResolver,
      AdminHoldResolver,
      AdminPaymentResolver,
      ReconcileResolver,
    ],
    scalarsMap: [{ type: Date, scalar: DateTime }],
    authChecker: isOperator,
    pubSub: NO_PUB_SUB,
    // Off but for the inputs that say so themselves: most arguments need no more than their type.
    validate: false,
  });
  // TypeGraphQL makes each of these a promise, which compiled code cannot wait for.
  for (const [name, tell] of TYPE_RESOLVERS) {
    (schema.getType(name) as GraphQLAbstractType).resolveType = tell as (value: unknown) => string;
  }
  return schema;
}

/** The text of schema.graphql, in our order and not the alphabet's: a manual to read from the top. */
export function printShopSchema(): string {
  return `${printSchema(buildShopSchema())}\n`;
}
