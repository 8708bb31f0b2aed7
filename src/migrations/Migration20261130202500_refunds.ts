import { Migration } from '@mikro-orm/migrations';

/**
 * Refunds that the provider is asked for. Refunds that exist keep waiting for an admin, who may have returned
 * their money already.
 */
export class Migration20261130202500_refunds extends Migration {

  override name = 'Migration20261130202500_refunds';

  override up(): void | Promise<void> {
    this.addSql(`alter table "refunds" add "provider_refund_id" text null, add "failures" int not null default 0, add "next_attempt_at" timestamptz(3) null, add "failure_reason" text null;`);
    this.addSql(`alter table "refunds" drop constraint if exists "refunds_status_check";`);
    this.addSql(`alter table "refunds" add constraint "refunds_status_check" check ("status" in ('OPEN', 'SENT', 'RESOLVED'));`);
    this.addSql(`alter table "refunds" add constraint "refunds_sent" check (status <> 'SENT' or next_attempt_at is not null);`);
    this.addSql(`create index "refunds_to_send" on "refunds" ("provider", "next_attempt_at") where next_attempt_at is not null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "refunds_to_send";`);
    this.addSql(`alter table "refunds" drop constraint "refunds_sent";`);
    this.addSql(`update "refunds" set status = 'OPEN' where status = 'SENT';`);
    this.addSql(`alter table "refunds" drop constraint "refunds_status_check";`);
    this.addSql(`alter table "refunds" add constraint "refunds_status_check" check ("status" in ('OPEN', 'RESOLVED'));`);
    this.addSql(`alter table "refunds" drop column "provider_refund_id", drop column "failures", drop column "next_attempt_at", drop column "failure_reason";`);
  }

}
