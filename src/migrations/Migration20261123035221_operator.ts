import { Migration } from '@mikro-orm/migrations';

/** The operator's audit log, and what becomes of a paid order's units when the operator cancels it. */
export class Migration20261123035221_operator extends Migration {

  override name = 'Migration20261123035221_operator';

  override up(): void | Promise<void> {
    this.addSql(`create table "operator_acts" ("id" uuid not null, "at" timestamptz(3) not null, "actor" text not null, "address" text null, "request_id" text null, "act" text not null, "outcome" text not null, "asked" jsonb null, "before" jsonb null, "after" jsonb null, "times" int not null, primary key ("id"));`);
    this.addSql(`create index "operator_acts_by_time" on "operator_acts" ("at");`);

    this.addSql(`alter table "orders" add "returned_version" int null, add "restocked" boolean null;`);
    this.addSql(`alter table "orders" add constraint "orders_returned_when_cancelled" check ((returned_version is not null) = (status = 'CANCELLED' and sold_version is not null));`);
    this.addSql(`alter table "orders" add constraint "orders_restocked_when_returned" check ((restocked is not null) = (returned_version is not null));`);

    this.addSql(`alter table "operator_acts" add constraint "operator_acts_times_positive" check (times >= 1);`);
    this.addSql(`create or replace function "operator_acts_operator_acts_append_only_fn"() returns trigger as \$\$ begin raise exception 'an act on record is never changed'; return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "operator_acts_append_only" BEFORE UPDATE OR DELETE on "operator_acts" for each ROW execute function "operator_acts_operator_acts_append_only_fn"();`);

    // By hand: the ORM does not see triggers of this kind. What is append-only is not emptied either.
    this.addSql(`create trigger "operator_acts_never_emptied" before truncate on "operator_acts" for each statement execute function "operator_acts_operator_acts_append_only_fn"();`);
    this.addSql(`create trigger "stock_movements_never_emptied" before truncate on "stock_movements" for each statement execute function "stock_movements_stock_movements_append_only_fn"();`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop trigger "stock_movements_never_emptied" on "stock_movements";`);
    this.addSql(`drop trigger "operator_acts_never_emptied" on "operator_acts";`);
    this.addSql(`drop trigger if exists "operator_acts_append_only" on "operator_acts";`);
    this.addSql(`drop function if exists "operator_acts_operator_acts_append_only_fn"();`);
    this.addSql(`drop table if exists "operator_acts" cascade;`);

    this.addSql(`alter table "orders" drop constraint "orders_returned_when_cancelled";`);
    this.addSql(`alter table "orders" drop constraint "orders_restocked_when_returned";`);
    this.addSql(`alter table "orders" drop column "returned_version", drop column "restocked";`);
  }
}
