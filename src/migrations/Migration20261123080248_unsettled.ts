import { Migration } from '@mikro-orm/migrations';

/** Payment events that wait or were given up are few: they are counted without reading all the others. */
export class Migration20261123080248_unsettled extends Migration {

  override name = 'Migration20261123080248_unsettled';

  override up(): void | Promise<void> {
    this.addSql(`create index "payment_events_unsettled" on "payment_events" ("status", "received_at") where status in ('PARKED', 'DEAD');`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "payment_events_unsettled";`);
  }

}
