import { Length, Matches, ValidateIf } from 'class-validator';
import {
  Arg,
  Authorized,
  Ctx,
  Field,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { parseUuid } from '../../../../lib/ids.ts';
import {
  adminCreateEndpoint,
  adminDeleteEndpoint,
  adminRotateSecret,
  adminUpdateEndpoint,
} from '../../../../shop/admin/admin-webhooks.ts';
import { listEndpoints } from '../../../../shop/events/endpoints.ts';
import type { ShopEventType } from '../../../../shop/events/shop-event.rules.ts';
import { webhookEndpointNotFound } from '../../../../shop/refusal.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { checkInput, REASON, TEXT } from '../input.ts';
import { outcomeOf, throwIfBadInput, WebhookEndpointNotFound } from '../refusals.ts';
import { DateTime } from '../scalars.ts';
import { EventTypeEnum } from './events.ts';

@ObjectType('WebhookEndpoint', { description: 'Where events are sent.' })
class WebhookEndpointObject {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => String, { description: 'Where events are posted.' })
  declare url: string;

  @Field(() => String, { nullable: true, description: 'For people.' })
  declare description: string | null;

  @Field(() => [EventTypeEnum], { description: 'The types that it takes.' })
  declare eventTypes: readonly string[];

  @Field(() => Boolean, { description: 'Whether events are sent.' })
  declare enabled: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Why the server disabled it; null otherwise.',
  })
  declare disabledReason: string | null;

  @Field(() => DateTime, { description: 'When it was created.' })
  declare createdAt: Date;
}

@ObjectType('WebhookEndpointWithSecret', {
  description: 'An endpoint, and its secret in this answer only.',
})
class WebhookEndpointWithSecret {
  @Field(() => WebhookEndpointObject, { description: 'The endpoint.' })
  declare endpoint: object;

  @Field(() => String, { description: 'The secret that verifies its deliveries (whsec_…).' })
  declare secret: string;
}

/** Absent or null is no description. */
const hasDescription = (input: { readonly description?: string | null }): boolean =>
  input.description != null;

@InputType('CreateWebhookEndpointInput', {
  description:
    'At least one type. The url is https outside development, and never a private address unless WEBHOOKS_ALLOW_PRIVATE_NETWORKS.',
})
class CreateWebhookEndpointInput {
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { description: 'At most 2,048 characters, without credentials.' })
  declare url: string;

  @ValidateIf(hasDescription)
  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: '1 to 500 characters, for people.' })
  declare description?: string | null;

  @Field(() => [EventTypeEnum], { description: 'The types to send.' })
  declare eventTypes: ShopEventType[];
}

@InputType('UpdateWebhookEndpointInput', { description: 'Omitted fields are unchanged.' })
class UpdateWebhookEndpointInput {
  @Field(() => ID, { description: 'The endpoint.' })
  declare id: string;

  @ValidateIf((input: UpdateWebhookEndpointInput) => input.url != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'As in CreateWebhookEndpointInput.' })
  declare url?: string | null;

  @ValidateIf(hasDescription)
  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'null removes it.' })
  declare description?: string | null;

  @Field(() => [EventTypeEnum], { nullable: true, description: 'The types to send.' })
  declare eventTypes?: ShopEventType[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'true sends again, pending events included; false stops.',
  })
  declare enabled?: boolean | null;
}

const RotateResult = outcomeOf(
  'RotateWebhookSecretResult',
  WebhookEndpointWithSecret,
  'WebhookEndpointWithSecret',
  [WebhookEndpointNotFound],
);
const UpdateResult = outcomeOf(
  'UpdateWebhookEndpointResult',
  WebhookEndpointObject,
  'WebhookEndpoint',
  [WebhookEndpointNotFound],
);
const DeleteResult = outcomeOf(
  'DeleteWebhookEndpointResult',
  WebhookEndpointObject,
  'WebhookEndpoint',
  [WebhookEndpointNotFound],
);
@Resolver()
export class WebhookResolver {
  @Authorized()
  @Mutation(() => WebhookEndpointWithSecret, {
    description: 'Admin: creates an endpoint. The secret is shown in this answer only.',
  })
  async createWebhookEndpoint(
    @Arg('input', () => CreateWebhookEndpointInput, {
      validateFn: checkInput,
      description: 'Where to send which events.',
    })
    { url, description = null, eventTypes }: CreateWebhookEndpointInput,
    @Ctx() context: Context,
  ): Promise<object> {
    const terms = { url, description, eventTypes };
    return throwIfBadInput(await adminCreateEndpoint(context.shop, adminCallerOf(context), terms));
  }

  @Authorized()
  @Mutation(() => UpdateResult, {
    description: 'Admin: changes an endpoint. Enabling one that failed forgets its failures.',
  })
  async updateWebhookEndpoint(
    @Arg('input', () => UpdateWebhookEndpointInput, {
      validateFn: checkInput,
      description: 'The fields to change.',
    })
    { id: text, url, description, eventTypes, enabled }: UpdateWebhookEndpointInput,
    @Ctx() context: Context,
  ): Promise<object> {
    const id = parseUuid(text);
    if (id === undefined) return webhookEndpointNotFound;
    return throwIfBadInput(
      await adminUpdateEndpoint(context.shop, adminCallerOf(context), {
        id,
        ...(url != null && { url }),
        ...(description !== undefined && { description }),
        ...(eventTypes != null && { eventTypes }),
        ...(enabled != null && { enabled }),
      }),
    );
  }

  @Authorized()
  @Mutation(() => RotateResult, {
    description: 'Admin: gives an endpoint a new secret; the old one signs beside it for 24 hours.',
  })
  async rotateWebhookSecret(
    @Arg('id', () => ID, { description: 'The endpoint.' }) text: string,
    @Ctx() context: Context,
  ): Promise<object> {
    const id = parseUuid(text);
    if (id === undefined) return webhookEndpointNotFound;
    return adminRotateSecret(context.shop, adminCallerOf(context), id);
  }

  @Authorized()
  @Mutation(() => DeleteResult, {
    description: 'Admin: deletes an endpoint. Its pending deliveries fail; their log stays.',
  })
  async deleteWebhookEndpoint(
    @Arg('id', () => ID, { description: 'The endpoint.' }) text: string,
    @Ctx() context: Context,
  ): Promise<object> {
    const id = parseUuid(text);
    if (id === undefined) return webhookEndpointNotFound;
    return adminDeleteEndpoint(context.shop, adminCallerOf(context), id);
  }

  @Authorized()
  @Query(() => [WebhookEndpointObject], { description: 'Admin: all endpoints, oldest first.' })
  webhookEndpoints(@Ctx() { shop }: Context): Promise<object[]> {
    return listEndpoints(shop);
  }
}
