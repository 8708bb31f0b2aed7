import { Migration } from '@mikro-orm/migrations';

/**
 * The text of an amount that cannot be read, money that names no order, and orders that cost nothing and
 * are paid without a payment. The trigger's function alone is replaced: dropping the trigger would wait
 * for every payment under way.
 */
export class Migration20261128084500_money extends Migration {

  override name = 'Migration20261128084500_money';

  override up(): void | Promise<void> {
    this.addSql(`alter table "payment_events" add "unreadable_amount" text null;`);
    this.addSql(`create index "payment_events_without_order" on "payment_events" ("received_at") where order_id is null and reported_status = 'success';`);
    this.addSql(`create or replace function "payment_events_payment_events_forward_only_fn"() returns trigger as \$\$ begin if tg_op = 'DELETE' then raise exception 'a payment event is never deleted'; end if; if (new.id, new.provider, new.idempotency_key, new.payment_id, new.order_id, new.reported_status,
    new.amount, new.unreadable_amount, new.currency, new.received_at, new.headers::text)
  is distinct from (old.id, old.provider, old.idempotency_key, old.payment_id, old.order_id,
    old.reported_status, old.amount, old.unreadable_amount, old.currency, old.received_at, old.headers::text)
  or (new.payload <> old.payload and (new.payload <> '' or old.settled_at is null))
then raise exception 'what was received is never changed'; end if; if new.status <> old.status and (old.status not in ('PARKED', 'DEAD') or new.status = 'PARKED')
then raise exception 'a settled payment event is never reopened'; end if; return new; end; \$\$ language plpgsql;`);

    this.addSql(`alter table "orders" drop constraint "orders_sold_when_paid";`);
    this.addSql(`alter table "orders" add constraint "orders_sold_when_paid" check (status <> 'PAID' or (sold_version is not null and paid_at is not null and (payment_id is not null or unit_price_minor = 0)));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "orders" drop constraint "orders_sold_when_paid";`);
    this.addSql(`alter table "orders" add constraint "orders_sold_when_paid" check (status <> 'PAID' or (sold_version is not null and payment_id is not null and paid_at is not null));`);

    this.addSql(`create or replace function "payment_events_payment_events_forward_only_fn"() returns trigger as \$\$ begin if tg_op = 'DELETE' then raise exception 'a payment event is never deleted'; end if; if (new.id, new.provider, new.idempotency_key, new.payment_id, new.order_id, new.reported_status,
    new.amount, new.currency, new.received_at, new.headers::text)
  is distinct from (old.id, old.provider, old.idempotency_key, old.payment_id, old.order_id,
    old.reported_status, old.amount, old.currency, old.received_at, old.headers::text)
  or (new.payload <> old.payload and (new.payload <> '' or old.settled_at is null))
then raise exception 'what was received is never changed'; end if; if new.status <> old.status and (old.status not in ('PARKED', 'DEAD') or new.status = 'PARKED')
then raise exception 'a settled payment event is never reopened'; end if; return new; end; \$\$ language plpgsql;`);
    this.addSql(`drop index "payment_events_without_order";`);
    this.addSql(`alter table "payment_events" drop column "unreadable_amount";`);
  }
}
