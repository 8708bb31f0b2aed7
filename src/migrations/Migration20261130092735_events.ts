import { Migration } from '@mikro-orm/migrations';

/** The outbox: what happened to orders, refunds and products, written with it. */
export class Migration20261130092735_events extends Migration {

  override name = 'Migration20261130092735_events';

  override up(): void | Promise<void> {
    // By hand, as the ORM does not see functions and sequences. A UUIDv7 of the database: a batch that ends
    // what is due makes its ids there. Later ids sort later, so inserts go to the end of the index.
    this.addSql(`create function shop_event_id() returns uuid language sql volatile as \$\$
      select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6), 52, 1), 53, 1), 'hex')::uuid \$\$;`);
    this.addSql(`create sequence shop_events_recorded;`);

    this.addSql(`create table "shop_events" ("id" uuid not null, "recorded" bigint not null, "position" bigint null, "sequence" int null, "type" text not null, "product_id" int not null, "order_id" uuid null, "at" timestamptz(3) not null, "snapshot" jsonb null, primary key ("id"));`);
    this.addSql(`create index "shop_events_unnumbered" on "shop_events" ("recorded") where position is null;`);
    this.addSql(`create index "shop_events_of_product" on "shop_events" ("product_id", "recorded") where order_id is null;`);
    this.addSql(`create index "shop_events_of_products" on "shop_events" ("at") where order_id is null;`);
    this.addSql(`create unique index "shop_events_position" on "shop_events" ("position") where position is not null;`);
    this.addSql(`create unique index "shop_events_order_sequence" on "shop_events" ("order_id", "sequence") where order_id is not null;`);
    this.addSql(`create unique index "shop_events_product_sequence" on "shop_events" ("product_id", "sequence") where order_id is null;`);

    this.addSql(`alter table "shop_events" add constraint "shop_events_numbered" check ((position is null) = (sequence is null));`);
    this.addSql(`alter table "shop_events" add constraint "shop_events_of_order" check ((order_id is null) = (type in ('PRODUCT_SOLD_OUT', 'PRODUCT_BACK_IN_STOCK')));`);
    this.addSql(`alter table "shop_events" add constraint "shop_events_type_check" check ("type" in ('ORDER_PAID', 'ORDER_CANCELLED', 'ORDER_EXPIRED', 'REFUND_OPENED', 'REFUND_RESOLVED', 'PRODUCT_SOLD_OUT', 'PRODUCT_BACK_IN_STOCK'));`);
    this.addSql(`create or replace function "shop_events_shop_events_forward_only_fn"() returns trigger as \$\$ begin if tg_op <> 'UPDATE' then raise exception 'an event is never deleted'; end if; if (new.id, new.recorded, new.type, new.product_id, new.order_id, new.at)
  is distinct from (old.id, old.recorded, old.type, old.product_id, old.order_id, old.at)
  or (old.position is not null
    and (new.position, new.sequence) is distinct from (old.position, old.sequence))
  or (new.snapshot is not null and new.snapshot is distinct from old.snapshot)
then raise exception 'an event is never changed'; end if; return new; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "shop_events_forward_only" BEFORE UPDATE OR DELETE on "shop_events" for each ROW execute function "shop_events_shop_events_forward_only_fn"();`);
    this.addSql(`create trigger "shop_events_never_emptied" before truncate on "shop_events" for each statement execute function "shop_events_shop_events_forward_only_fn"();`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop trigger if exists "shop_events_forward_only" on "shop_events";`);
    this.addSql(`drop function if exists "shop_events_shop_events_forward_only_fn"();`);
    this.addSql(`drop table if exists "shop_events" cascade;`);

    this.addSql(`drop sequence shop_events_recorded;`);
    this.addSql(`drop function shop_event_id();`);
  }

}
