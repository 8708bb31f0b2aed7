import { Length, Matches } from 'class-validator';
import {
  Arg,
  Args,
  ArgsType,
  Authorized,
  Ctx,
  Field,
  ID,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { replayPaymentEvent } from '../../../../shop/admin/replay-event.ts';
import { resolveRefund } from '../../../../shop/admin/resolve-refund.ts';
import {
  listPaymentEvents,
  listRefunds,
  type PaymentEvent,
  type Refund,
} from '../../../../shop/payments/list-payments.ts';
import type { PaymentEventStatus } from '../../../../shop/payments/inbox/payment-event.rules.ts';
import { parseUuid } from '../../../../lib/ids.ts';
import { paymentEventNotFound, refundNotFound } from '../../../../shop/refusal.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { enumOf } from '../enums.ts';
import { checkInput, REASON, TEXT } from '../input.ts';
import { RefundStatusEnum, RefundType } from '../refund.ts';
import { connectionType, Cursors, PageArgs, type Connection, filterOf, NO_ROW } from '../page.ts';
import {
  toMutationResult,
  BusyType,
  outcomeOf,
  PaymentEventNotFound,
  RefundNotFound,
} from '../refusals.ts';
import { DateTime, Decimal } from '../scalars.ts';

const PaymentEventStatusEnum = enumOf(
  'PaymentEventStatus',
  'The processing status of a payment event.',
  {
    APPLIED: 'It was applied to its order.',
    PARKED: 'It arrived before its order was created and waits for it.',
    IGNORED:
      'It has no effect, for example because the order has ended or the payment was credited before.',
    REFUND_REQUIRED: 'The payment cannot be applied; a refund is recorded for it.',
    DEAD: 'Processing failed ten times; an admin must check it.',
  } satisfies Record<PaymentEventStatus, string>,
);

@ObjectType('PaymentEvent', { description: 'One message of a payment provider, as received.' })
export class PaymentEventType {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => String, { description: 'The payment provider whose webhook received it.' })
  declare provider: string;

  @Field(() => String, { description: 'Identifies the event; the same on every delivery.' })
  declare idempotencyKey: string;

  @Field(() => String, { nullable: true, description: "The provider's id of the payment." })
  declare paymentId: string | null;

  @Field(() => ID, { nullable: true, description: 'The order that the event names.' })
  declare orderId: string | null;

  @Field(() => String, {
    description: 'The status that the provider reported: success, failed, or another word.',
  })
  declare reportedStatus: string;

  @Field(() => Decimal, { nullable: true, description: 'The amount as received.' })
  declare amount: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The amount as received, if it is not a plain decimal; amount is null in this case.',
  })
  declare unreadableAmount: string | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217 code, as received.' })
  declare currency: string | null;

  @Field(() => PaymentEventStatusEnum, { description: 'The processing status.' })
  declare status: string;

  @Field(() => String, {
    nullable: true,
    description: 'One sentence: why it is parked, ignored, refunded or dead.',
  })
  declare reason: string | null;

  @Field(() => Int, { description: 'Number of failed attempts to process it.' })
  declare attempts: number;

  @Field(() => Int, { description: 'Number of duplicate deliveries.' })
  declare duplicates: number;

  @Field(() => DateTime, { description: 'When it was first received.' })
  declare receivedAt: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was settled; null before.' })
  declare settledAt: Date | null;

  @Field(() => String, {
    description: 'The body as received; empty after retention has redacted it.',
  })
  declare payload: string;
}

@ArgsType()
class PaymentEventsArgs extends PageArgs {
  @Field(() => PaymentEventStatusEnum, {
    nullable: true,
    description: 'Filter by status.',
  })
  declare status?: PaymentEvent['status'] | null;

  @Field(() => ID, { nullable: true, description: 'Filter by order.' })
  declare orderId?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Only successful payments that name no order.',
  })
  declare withoutOrder: boolean;
}

@ArgsType()
class RefundsArgs extends PageArgs {
  @Field(() => RefundStatusEnum, { nullable: true, description: 'Filter by status.' })
  declare status?: Refund['status'] | null;
}

@ArgsType()
class ResolveRefundArgs {
  @Field(() => ID, { description: 'The refund.' })
  declare id: string;

  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    description:
      'How the money was returned, 1 to 500 characters, for example the provider’s reference.',
  })
  declare note: string;
}

const PaymentEventConnection = connectionType(
  'PaymentEventConnection',
  PaymentEventType,
  'A page of the payment events.',
);
const RefundConnection = connectionType('RefundConnection', RefundType, 'A page of the refunds.');
const EVENT_CURSORS = new Cursors('payment event', parseUuid);
const REFUND_CURSORS = new Cursors('refund', parseUuid);

const ReplayPaymentEventResult = outcomeOf(
  'ReplayPaymentEventResult',
  PaymentEventType,
  'PaymentEvent',
  [PaymentEventNotFound, BusyType],
);
const ResolveRefundResult = outcomeOf('ResolveRefundResult', RefundType, 'Refund', [
  RefundNotFound,
]);

@Resolver()
export class AdminPaymentResolver {
  @Authorized()
  @Mutation(() => ReplayPaymentEventResult, {
    description:
      'Admin: processes a parked or dead event again. A settled event is returned unchanged.',
  })
  async replayPaymentEvent(
    @Arg('id', () => ID, { description: 'The event.' }) id: string,
    @Ctx() context: Context,
  ): Promise<object> {
    const eventId = parseUuid(id);
    if (eventId === undefined) return paymentEventNotFound;
    return toMutationResult(() =>
      replayPaymentEvent(context.shop, adminCallerOf(context), eventId),
    );
  }

  @Authorized()
  @Mutation(() => ResolveRefundResult, {
    description:
      'Admin: marks a refund as resolved, after the money was returned. A resolved refund is returned unchanged.',
  })
  async resolveRefund(
    @Args(() => ResolveRefundArgs, { validateFn: checkInput }) { id, note }: ResolveRefundArgs,
    @Ctx() context: Context,
  ): Promise<object> {
    const refundId = parseUuid(id);
    if (refundId === undefined) return refundNotFound;
    return resolveRefund(context.shop, adminCallerOf(context), { refundId, note });
  }

  @Authorized()
  @Query(() => PaymentEventConnection, {
    description: 'Admin: all payment events, newest first; first is 1 to 100.',
  })
  async paymentEvents(
    @Args(() => PaymentEventsArgs) args: PaymentEventsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<PaymentEvent>> {
    const page = await listPaymentEvents(shop, {
      ...EVENT_CURSORS.pageRequest(args),
      status: args.status ?? null,
      orderId: filterOf(args.orderId, parseUuid, NO_ROW),
      withoutOrder: args.withoutOrder,
    });
    return EVENT_CURSORS.connection(page, ({ id }) => id);
  }

  @Authorized()
  @Query(() => RefundConnection, {
    description: 'Admin: all refunds, newest first; first is 1 to 100.',
  })
  async refunds(
    @Args(() => RefundsArgs) args: RefundsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Refund>> {
    const page = await listRefunds(shop, {
      ...REFUND_CURSORS.pageRequest(args),
      status: args.status ?? null,
    });
    return REFUND_CURSORS.connection(page, ({ id }) => id);
  }
}
