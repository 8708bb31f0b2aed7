import { Migration } from '@mikro-orm/migrations';

/**
 * Retention may blank a settled payment event's body, and nobody may do more. The trigger's function
 * alone is replaced: dropping the trigger would wait for every payment under way.
 */
export class Migration20261123043912_retention extends Migration {

  override name = 'Migration20261123043912_retention';

  override up(): void | Promise<void> {
    this.addSql(`create or replace function "payment_events_payment_events_forward_only_fn"() returns trigger as \$\$ begin if tg_op = 'DELETE' then raise exception 'a payment event is never deleted'; end if; if (new.id, new.provider, new.idempotency_key, new.payment_id, new.order_id, new.reported_status,
    new.amount, new.currency, new.received_at, new.headers::text)
  is distinct from (old.id, old.provider, old.idempotency_key, old.payment_id, old.order_id,
    old.reported_status, old.amount, old.currency, old.received_at, old.headers::text)
  or (new.payload <> old.payload and (new.payload <> '' or old.settled_at is null))
then raise exception 'what was received is never changed'; end if; if new.status <> old.status and (old.status not in ('PARKED', 'DEAD') or new.status = 'PARKED')
then raise exception 'a settled payment event is never reopened'; end if; return new; end; \$\$ language plpgsql;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`create or replace function "payment_events_payment_events_forward_only_fn"() returns trigger as \$\$ begin if tg_op = 'DELETE' then raise exception 'a payment event is never deleted'; end if; if (new.id, new.provider, new.idempotency_key, new.payment_id, new.order_id, new.reported_status,
    new.amount, new.currency, new.received_at, new.payload, new.headers::text)
  is distinct from (old.id, old.provider, old.idempotency_key, old.payment_id, old.order_id,
    old.reported_status, old.amount, old.currency, old.received_at, old.payload, old.headers::text)
then raise exception 'what was received is never changed'; end if; if new.status <> old.status and (old.status not in ('PARKED', 'DEAD') or new.status = 'PARKED')
then raise exception 'a settled payment event is never reopened'; end if; return new; end; \$\$ language plpgsql;`);
  }
}
