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
import { OrderResolver } from './order.ts';
import { PaymentResolver } from './payment.ts';
import { ProductResolver } from './product.ts';
import { RefundResolver } from './refund.ts';
import { TYPE_RESOLVERS } from './refusals.ts';
import { DateTime } from './scalars.ts';
import { StreamResolver } from './subscriptions.ts';
// Imported after the buyer's part: schema.graphql is printed in the order of these imports.
import { AdminProductResolver } from './admin/products.ts';
import { AdminStockResolver } from './admin/stock.ts';
import { AdminHoldResolver, AdminOrderResolver } from './admin/orders.ts';
import { AdminPaymentResolver } from './admin/payments.ts';
import { TimelineResolver } from './admin/timeline.ts';
import { ReconcileResolver } from './admin/reconcile.ts';
import { EventResolver } from './admin/events.ts';
import { WebhookResolver } from './admin/webhooks.ts';
import { DeliveryResolver } from './admin/deliveries.ts';
import { StatusResolver } from './admin/status.ts';
import { OrderStoryResolver } from './admin/order-story.ts';
import { AuditLogResolver } from './admin/audit-log.ts';

@Resolver()
class ClockResolver {
  @Query(() => DateTime, {
    description: 'The time of the database’s clock, which decides every deadline.',
  })
  serverTime(@Ctx() { shop }: Context): Promise<Date> {
    return now(shop.database);
  }
}

/**
 * TypeGraphQL requires a PubSub if there are subscriptions. Each subscription of the shop has its own
 * stream.
 */
const NO_PUB_SUB: PubSub = {
  publish() {},
  subscribe() {
    throw new Error('Every subscription has its own stream.');
  },
};

/** Admits the admin. An unauthorized attempt is recorded and counts against the limit of its address. */
const isAuthorized: AuthCheckerFn<Context> = async ({
  context: { shop, caller, limits },
  info,
}) => {
  if (caller.isAdmin) return true;
  const { address, requestId } = caller;
  await shop.unauthorizedAttempts.record({ name: info.fieldName, address, requestId });
  await limits.count('admin', caller);
  return false;
};

/** Builds the executable schema of all resolvers. */
export function buildShopSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ProductResolver,
      HoldResolver,
      OrderResolver,
      PaymentResolver,
      RefundResolver,
      ClockResolver,
      StreamResolver,
      AdminProductResolver,
      AdminStockResolver,
      AdminOrderResolver,
      AdminHoldResolver,
      AdminPaymentResolver,
      TimelineResolver,
      ReconcileResolver,
      EventResolver,
      WebhookResolver,
      DeliveryResolver,
      StatusResolver,
      OrderStoryResolver,
      AuditLogResolver,
    ],
    scalarsMap: [{ type: Date, scalar: DateTime }],
    authChecker: isAuthorized,
    pubSub: NO_PUB_SUB,
    // Off, except for inputs with a `validateFn`: for most arguments the type is enough.
    validate: false,
  });
  // TypeGraphQL's resolvers return promises, which compiled queries cannot await.
  for (const [name, resolve] of TYPE_RESOLVERS) {
    (schema.getType(name) as GraphQLAbstractType).resolveType = resolve as (
      value: unknown,
    ) => string;
  }
  return schema;
}

/** The text of schema.graphql, in the order of the resolvers, to be read from the top. */
export function printShopSchema(): string {
  return `${printSchema(buildShopSchema())}\n`;
}
