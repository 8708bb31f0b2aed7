import { Migration } from '@mikro-orm/migrations';

/** The client's notes on holds and orders. A column with a constant default is added without a rewrite. */
export class Migration20261130091426_customers extends Migration {

  override name = 'Migration20261130091426_customers';

  override up(): void | Promise<void> {
    this.addSql(`alter table "holds" add "metadata" jsonb not null default '{}';`);

    this.addSql(`alter table "orders" add "metadata" jsonb not null default '{}';`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "holds" drop column "metadata";`);

    this.addSql(`alter table "orders" drop column "metadata";`);
  }

}
