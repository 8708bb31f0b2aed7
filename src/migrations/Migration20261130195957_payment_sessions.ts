import { Migration } from '@mikro-orm/migrations';

export class Migration20261130195957_payment_sessions extends Migration {

  override name = 'Migration20261130195957_payment_sessions';

  override up(): void | Promise<void> {
    this.addSql(`create table "payment_sessions" ("id" uuid not null, "order_id" uuid not null, "provider" text not null, "status" text not null, "description" text not null, "return_url" text null, "payment_id" text null, "client_secret" text null, "url" text null, "created_at" timestamptz(3) not null, "failures" int not null, "last_error" text null, "next_attempt_at" timestamptz(3) null, "ended_at" timestamptz(3) null, primary key ("id"));`);
    this.addSql(`create index "payment_sessions_open" on "payment_sessions" ("provider", "next_attempt_at") where status in ('STARTING', 'STARTED');`);
    this.addSql(`create index "payment_sessions_of_payment" on "payment_sessions" ("payment_id") where payment_id is not null;`);
    this.addSql(`alter table "payment_sessions" add constraint "payment_sessions_once" unique ("order_id", "provider");`);

    this.addSql(`alter table "payment_sessions" add constraint "payment_sessions_started" check (status <> 'STARTED' or payment_id is not null);`);
    this.addSql(`alter table "payment_sessions" add constraint "payment_sessions_next" check ((next_attempt_at is not null) = (status in ('STARTING', 'STARTED')));`);
    this.addSql(`alter table "payment_sessions" add constraint "payment_sessions_ended" check ((ended_at is not null) = (status = 'ENDED'));`);
    this.addSql(`alter table "payment_sessions" add constraint "payment_sessions_status_check" check ("status" in ('STARTING', 'STARTED', 'REFUSED', 'ENDED'));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "payment_sessions" cascade;`);
  }

}
