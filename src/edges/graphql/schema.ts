import { printSchema, type GraphQLAbstractType, type GraphQLSchema } from 'graphql';
import { buildSchemaSync, Ctx, Query, Resolver, type PubSub } from 'type-graphql';
import { now } from '../../platform/clock.ts';
import { AdminResolver } from './admin.ts';
import { Context } from './context.ts';
import { HoldResolver } from './hold.ts';
import { OrderResolver, RefundResolver } from './order.ts';
import { ProductResolver } from './product.ts';
import { TYPE_TELLERS } from './refusal.ts';
import { DateTime } from './scalars.ts';
import { StreamResolver } from './streams.ts';

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
      AdminResolver,
    ],
    scalarsMap: [{ type: Date, scalar: DateTime }],
    authChecker: ({ context }: { context: Context }) => context.caller.isAdmin,
    pubSub: NO_PUB_SUB,
    // Off but for the inputs that say so themselves: most arguments need no more than their type.
    validate: false,
  });
  // TypeGraphQL makes each of these a promise, which compiled code cannot wait for.
  for (const [name, tell] of TYPE_TELLERS) {
    (schema.getType(name) as GraphQLAbstractType).resolveType = tell as (value: unknown) => string;
  }
  return schema;
}

/** The text of schema.graphql, in our order and not the alphabet's: a manual to read from the top. */
export function printShopSchema(): string {
  return `${printSchema(buildShopSchema())}\n`;
}
