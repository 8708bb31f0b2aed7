import { Migration } from '@mikro-orm/migrations';

/** The shop's first tables, their law, and its clock. */
export class Migration20261123000000_initial extends Migration {

  override name = 'Migration20261123000000_initial';

  override up(): void | Promise<void> {
    // The one clock of the shop, in milliseconds. Simple enough for the planner to write it into
    // the query, so that it costs nothing over clock_timestamp() itself.
    this.addSql(`create function shop_clock() returns timestamptz language sql volatile as \$\$ select date_trunc('milliseconds', clock_timestamp()) \$\$;`);

    this.addSql(`create table "holds" ("id" uuid not null, "order_id" uuid not null, "product_id" int not null, "quantity" int not null, "customer_id" text null, "idempotency_key_hash" text null, "unit_price_minor" bigint not null, "currency" text not null, "status" text not null, "created_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "held_version" int not null, "released_version" int null, primary key ("id"));`);
    this.addSql(`alter table "holds" add constraint "holds_order_id" unique ("order_id");`);
    this.addSql(`create index "holds_of_product" on "holds" ("product_id");`);
    this.addSql(`create index "holds_due" on "holds" ("expires_at", "product_id") where status = 'ACTIVE';`);
    this.addSql(`create index "holds_of_customer" on "holds" ("customer_id", "product_id") where status = 'ACTIVE' and customer_id is not null;`);
    this.addSql(`create unique index "holds_idempotency_key" on "holds" ("idempotency_key_hash") where idempotency_key_hash is not null;`);

    this.addSql(`create table "orders" ("id" uuid not null, "hold_id" uuid not null, "product_id" int not null, "quantity" int not null, "customer_id" text null, "unit_price_minor" bigint not null, "currency" text not null, "status" text not null, "cancelled_by" text null, "payment_provider" text null, "payment_id" text null, "created_at" timestamptz(3) not null, "payment_expires_at" timestamptz(3) not null, "paid_at" timestamptz(3) null, "updated_at" timestamptz(3) not null, "released_version" int null, "sold_version" int null, primary key ("id"));`);
    this.addSql(`alter table "orders" add constraint "orders_hold_id_unique" unique ("hold_id");`);
    this.addSql(`create index "orders_of_product" on "orders" ("product_id");`);
    this.addSql(`create index "orders_due" on "orders" ("payment_expires_at", "product_id") where status = 'PENDING';`);
    this.addSql(`create index "orders_of_customer" on "orders" ("customer_id", "product_id") where status in ('PENDING', 'PAID') and customer_id is not null;`);

    this.addSql(`create table "payment_events" ("id" uuid not null, "provider" text not null, "idempotency_key" text not null, "payment_id" text null, "order_id" uuid null, "reported_status" text not null, "amount" numeric null, "currency" text null, "status" text not null, "counted" boolean not null, "reason" text null, "attempts" int not null, "next_try_at" timestamptz(3) null, "duplicates" int not null, "received_at" timestamptz(3) not null, "settled_at" timestamptz(3) null, "payload" text not null, "headers" jsonb not null, "answer_status" int not null, "answer_body" text not null, primary key ("id"));`);
    this.addSql(`create index "payment_events_of_order" on "payment_events" ("order_id");`);
    this.addSql(`create index "payment_events_waiting" on "payment_events" ("next_try_at") where status = 'PARKED';`);
    this.addSql(`alter table "payment_events" add constraint "payment_events_key" unique ("provider", "idempotency_key");`);
    this.addSql(`create unique index "payment_events_counted" on "payment_events" ("provider", "payment_id") where counted;`);

    this.addSql(`create table "products" ("id" serial primary key, "name" text not null, "description" text null, "price_minor" bigint not null, "currency" text not null, "max_per_hold" int not null, "max_per_customer" int null, "sale_starts_at" timestamptz(3) null, "sale_ends_at" timestamptz(3) null, "created_at" timestamptz(3) not null default shop_clock(), "updated_at" timestamptz(3) not null default shop_clock());`);

    this.addSql(`create table "refunds" ("id" uuid not null, "event_id" uuid not null, "order_id" uuid not null, "provider" text not null, "payment_id" text not null, "amount" numeric null, "currency" text null, "reason" text not null, "status" text not null, "created_at" timestamptz(3) not null, "resolved_at" timestamptz(3) null, "note" text null, primary key ("id"));`);
    this.addSql(`alter table "refunds" add constraint "refunds_event_id_unique" unique ("event_id");`);
    this.addSql(`create index "refunds_of_order" on "refunds" ("order_id");`);
    this.addSql(`create index "refunds_open" on "refunds" ("created_at") where status = 'OPEN';`);
    this.addSql(`alter table "refunds" add constraint "refunds_payment" unique ("provider", "payment_id");`);

    this.addSql(`create table "stock_levels" ("product_id" int not null, "total" int not null, "available" int not null, "held" int not null, "sold" int not null, "version" int not null, primary key ("product_id"));`);

    this.addSql(`create table "stock_movements" ("product_id" int not null, "version" int not null, "available_delta" int not null, "held_delta" int not null, "sold_delta" int not null, "total_delta" int not null, "cause" text not null, "reason" text null, "at" timestamptz(3) not null, "idempotency_key_hash" text null, "arguments_hash" text null, primary key ("product_id", "version"));`);
    this.addSql(`create unique index "stock_movements_idempotency_key" on "stock_movements" ("idempotency_key_hash") where idempotency_key_hash is not null;`);

    this.addSql(`alter table "holds" add constraint "holds_quantity_positive" check (quantity >= 1);`);
    this.addSql(`alter table "holds" add constraint "holds_released_when_ended" check ((released_version is not null) = (status in ('EXPIRED', 'RELEASED')));`);
    this.addSql(`alter table "holds" add constraint "holds_status_check" check ("status" in ('ACTIVE', 'CONVERTED', 'EXPIRED', 'RELEASED'));`);

    this.addSql(`alter table "orders" add constraint "orders_hold_id_foreign" foreign key ("hold_id") references "holds" ("id");`);
    this.addSql(`alter table "orders" add constraint "orders_quantity_positive" check (quantity >= 1);`);
    this.addSql(`alter table "orders" add constraint "orders_sold_when_paid" check (status <> 'PAID' or (sold_version is not null and payment_id is not null and paid_at is not null));`);
    this.addSql(`alter table "orders" add constraint "orders_released_when_ended" check (status in ('PENDING', 'PAID') or released_version is not null or sold_version is not null);`);
    this.addSql(`alter table "orders" add constraint "orders_cancelled_by" check ((status = 'CANCELLED') = (cancelled_by is not null));`);
    this.addSql(`alter table "orders" add constraint "orders_status_check" check ("status" in ('PENDING', 'PAID', 'CANCELLED', 'EXPIRED'));`);
    this.addSql(`alter table "orders" add constraint "orders_cancelled_by_check" check ("cancelled_by" in ('BUYER', 'OPERATOR'));`);

    this.addSql(`alter table "payment_events" add constraint "payment_events_status_check" check ("status" in ('APPLIED', 'PARKED', 'IGNORED', 'REFUND_REQUIRED', 'DEAD'));`);
    this.addSql(`create or replace function "payment_events_payment_events_forward_only_fn"() returns trigger as \$\$ begin if tg_op = 'DELETE' then raise exception 'a payment event is never deleted'; end if; if (new.id, new.provider, new.idempotency_key, new.payment_id, new.order_id, new.reported_status,
    new.amount, new.currency, new.received_at, new.payload, new.headers::text)
  is distinct from (old.id, old.provider, old.idempotency_key, old.payment_id, old.order_id,
    old.reported_status, old.amount, old.currency, old.received_at, old.payload, old.headers::text)
then raise exception 'what was received is never changed'; end if; if new.status <> old.status and (old.status not in ('PARKED', 'DEAD') or new.status = 'PARKED')
then raise exception 'a settled payment event is never reopened'; end if; return new; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "payment_events_forward_only" BEFORE UPDATE OR DELETE on "payment_events" for each ROW execute function "payment_events_payment_events_forward_only_fn"();`);

    this.addSql(`alter table "products" add constraint "products_price_not_negative" check (price_minor >= 0);`);
    this.addSql(`alter table "products" add constraint "products_limits_positive" check (max_per_hold >= 1 and max_per_customer >= 1);`);
    this.addSql(`alter table "products" add constraint "products_sale_window" check (sale_starts_at < sale_ends_at);`);

    this.addSql(`alter table "refunds" add constraint "refunds_event_id_foreign" foreign key ("event_id") references "payment_events" ("id");`);
    this.addSql(`alter table "refunds" add constraint "refunds_resolved_at" check ((status = 'RESOLVED') = (resolved_at is not null));`);
    this.addSql(`alter table "refunds" add constraint "refunds_money_whole" check ((amount is null) = (currency is null));`);
    this.addSql(`alter table "refunds" add constraint "refunds_reason_check" check ("reason" in ('PAID_TOO_LATE', 'AMOUNT_MISMATCH', 'DUPLICATE_PAYMENT', 'ORDER_NEVER_CREATED', 'ORDER_CANCELLED'));`);
    this.addSql(`alter table "refunds" add constraint "refunds_status_check" check ("status" in ('OPEN', 'RESOLVED'));`);

    this.addSql(`alter table "stock_levels" add constraint "stock_levels_product_id_foreign" foreign key ("product_id") references "products" ("id") on update no action on delete no action;`);
    this.addSql(`alter table "stock_levels" add constraint "stock_levels_law" check (available + held + sold = total);`);
    this.addSql(`alter table "stock_levels" add constraint "stock_levels_available_not_negative" check (available >= 0);`);
    this.addSql(`alter table "stock_levels" add constraint "stock_levels_held_not_negative" check (held >= 0);`);
    this.addSql(`alter table "stock_levels" add constraint "stock_levels_sold_not_negative" check (sold >= 0);`);

    this.addSql(`alter table "stock_movements" add constraint "stock_movements_product_id_foreign" foreign key ("product_id") references "products" ("id");`);
    this.addSql(`alter table "stock_movements" add constraint "stock_movements_law" check (available_delta + held_delta + sold_delta = total_delta);`);
    this.addSql(`alter table "stock_movements" add constraint "stock_movements_cause_check" check ("cause" in ('HOLD', 'RELEASE', 'EXPIRY', 'SALE', 'CANCELLATION', 'RECLAIM', 'ADJUSTMENT', 'REPAIR'));`);
    this.addSql(`create or replace function "stock_movements_stock_movements_append_only_fn"() returns trigger as \$\$ begin raise exception 'a stock movement is never changed'; return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "stock_movements_append_only" BEFORE UPDATE OR DELETE on "stock_movements" for each ROW execute function "stock_movements_stock_movements_append_only_fn"();`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "orders" drop constraint "orders_hold_id_foreign";`);
    this.addSql(`alter table "refunds" drop constraint "refunds_event_id_foreign";`);
    this.addSql(`alter table "stock_levels" drop constraint "stock_levels_product_id_foreign";`);
    this.addSql(`alter table "stock_movements" drop constraint "stock_movements_product_id_foreign";`);

    this.addSql(`drop table if exists "holds" cascade;`);
    this.addSql(`drop table if exists "orders" cascade;`);
    this.addSql(`drop trigger if exists "payment_events_forward_only" on "payment_events";`);
    this.addSql(`drop function if exists "payment_events_payment_events_forward_only_fn"();`);
    this.addSql(`drop table if exists "payment_events" cascade;`);
    this.addSql(`drop table if exists "products" cascade;`);
    this.addSql(`drop table if exists "refunds" cascade;`);
    this.addSql(`drop table if exists "stock_levels" cascade;`);
    this.addSql(`drop trigger if exists "stock_movements_append_only" on "stock_movements";`);
    this.addSql(`drop function if exists "stock_movements_stock_movements_append_only_fn"();`);
    this.addSql(`drop table if exists "stock_movements" cascade;`);

    this.addSql(`drop function shop_clock();`);
  }
}
