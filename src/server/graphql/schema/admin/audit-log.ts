import {
  Args,
  ArgsType,
  Authorized,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Matches, ValidateIf } from 'class-validator';
import { parseUuid } from '../../../../lib/ids.ts';
import {
  listAuditLog,
  type StoredAuditEntry,
} from '../../../../shop/admin/audit/list-audit-log.ts';
import { Context } from '../../context.ts';
import { checkInput, TEXT } from '../input.ts';
import { connectionType, Cursors, PageArgs, type Connection } from '../page.ts';
import { DateTime } from '../scalars.ts';

@ObjectType('AuditEntry', {
  description: 'An admin operation, or an attempt at one without the admin token.',
})
class AuditEntryType {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => DateTime, { description: 'When it was recorded.' })
  declare at: Date;

  @Field(() => String, {
    description: 'What authorized the caller: admin token, command line or unauthorized.',
  })
  declare actor: string;

  @Field(() => String, {
    nullable: true,
    description: 'Network address of the caller; null for the command line.',
  })
  declare address: string | null;

  @Field(() => String, { nullable: true, description: 'The id of the request in the log.' })
  declare requestId: string | null;

  @Field(() => String, { description: 'The operation.' })
  declare action: string;

  @Field(() => String, { description: 'DONE, FAILED, DENIED, or the code of the refusal.' })
  declare outcome: string;

  @Field(() => String, {
    nullable: true,
    description: 'The arguments as JSON; null for an unauthorized attempt.',
  })
  declare arguments: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The row before the change as JSON; null if there is none.',
  })
  declare before: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The row after the change as JSON; null if there is none.',
  })
  declare after: string | null;

  @Field(() => Int, { description: 'Number of attempts that the entry counts.' })
  declare times: number;
}

@ArgsType()
class AuditLogArgs extends PageArgs {
  @ValidateIf((args: AuditLogArgs) => args.action != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'Filter by operation.' })
  declare action?: string | null;

  @ValidateIf((args: AuditLogArgs) => args.outcome != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'Filter by outcome.' })
  declare outcome?: string | null;
}

const AuditLogConnection = connectionType(
  'AuditLogConnection',
  AuditEntryType,
  'A page of the audit log.',
);
const CURSORS = new Cursors('audit entry', parseUuid);

@Resolver(() => AuditEntryType)
export class AuditLogResolver {
  @Authorized()
  @Query(() => AuditLogConnection, {
    description: 'Admin: the audit log, newest first; first is 1 to 100.',
  })
  async auditLog(
    @Args(() => AuditLogArgs, { validateFn: checkInput }) args: AuditLogArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<StoredAuditEntry>> {
    const { action = null, outcome = null } = args;
    const page = await listAuditLog(shop, { ...CURSORS.pageRequest(args), action, outcome });
    return CURSORS.connection(page, ({ id }) => id);
  }

  @FieldResolver(() => String)
  action(@Root() { act }: StoredAuditEntry): string {
    return act;
  }

  @FieldResolver(() => String, { nullable: true })
  arguments(@Root() { asked }: StoredAuditEntry): string | null {
    return jsonOf(asked);
  }

  @FieldResolver(() => String, { nullable: true })
  before(@Root() { before }: StoredAuditEntry): string | null {
    return jsonOf(before);
  }

  @FieldResolver(() => String, { nullable: true })
  after(@Root() { after }: StoredAuditEntry): string | null {
    return jsonOf(after);
  }
}

function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
