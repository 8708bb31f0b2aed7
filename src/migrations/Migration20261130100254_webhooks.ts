import { Migration } from '@mikro-orm/migrations';

/** Webhook endpoints, and the events on their way to them. */
export class Migration20261130100254_webhooks extends Migration {

  override name = 'Migration20261130100254_webhooks';

  override up(): void | Promise<void> {
    this.addSql(`create table "webhook_endpoints" ("id" uuid not null, "url" text not null, "description" text null, "event_types" jsonb not null, "enabled" boolean not null, "disabled_reason" text null, "secret" text not null, "previous_secret" text null, "previous_secret_until" timestamptz(3) null, "failing_since" timestamptz(3) null, "created_at" timestamptz(3) not null, "deleted_at" timestamptz(3) null, primary key ("id"));`);

    this.addSql(`create table "webhook_deliveries" ("id" uuid not null, "event_id" uuid not null, "endpoint_id" uuid not null, "status" text not null, "failures" int not null, "attempts" jsonb not null, "next_attempt_at" timestamptz(3) null, "leased_until" timestamptz(3) null, primary key ("id"));`);
    this.addSql(`create index "webhook_deliveries_due" on "webhook_deliveries" ("endpoint_id", "next_attempt_at") where status = 'PENDING';`);
    this.addSql(`create index "webhook_deliveries_leased_now" on "webhook_deliveries" ("endpoint_id", "leased_until") where leased_until is not null;`);
    this.addSql(`alter table "webhook_deliveries" add constraint "webhook_deliveries_once" unique ("event_id", "endpoint_id");`);

    this.addSql(`alter table "webhook_endpoints" add constraint "webhook_endpoints_rotated" check ((previous_secret is null) = (previous_secret_until is null));`);
    this.addSql(`alter table "webhook_endpoints" add constraint "webhook_endpoints_disabled" check (not enabled or disabled_reason is null);`);
    this.addSql(`alter table "webhook_endpoints" add constraint "webhook_endpoints_deleted" check (not enabled or deleted_at is null);`);

    this.addSql(`alter table "webhook_deliveries" add constraint "webhook_deliveries_event_id_foreign" foreign key ("event_id") references "shop_events" ("id");`);
    this.addSql(`alter table "webhook_deliveries" add constraint "webhook_deliveries_endpoint_id_foreign" foreign key ("endpoint_id") references "webhook_endpoints" ("id");`);
    this.addSql(`alter table "webhook_deliveries" add constraint "webhook_deliveries_next" check ((next_attempt_at is not null) = (status = 'PENDING'));`);
    this.addSql(`alter table "webhook_deliveries" add constraint "webhook_deliveries_leased" check (leased_until is null or status = 'PENDING');`);
    this.addSql(`alter table "webhook_deliveries" add constraint "webhook_deliveries_status_check" check ("status" in ('PENDING', 'DELIVERED', 'FAILED'));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "webhook_deliveries" drop constraint "webhook_deliveries_endpoint_id_foreign";`);

    this.addSql(`drop table if exists "webhook_endpoints" cascade;`);
    this.addSql(`drop table if exists "webhook_deliveries" cascade;`);
  }

}
