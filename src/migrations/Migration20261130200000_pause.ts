import { Migration } from '@mikro-orm/migrations';

/** The pause of a sale, a product's picture, and when a product sold out. */
export class Migration20261130200000_pause extends Migration {

  override name = 'Migration20261130200000_pause';

  override up(): void | Promise<void> {
    this.addSql(`alter table "products" add "sale_paused" boolean not null default false, add "image_url" text null;`);

    this.addSql(`alter table "stock_levels" add "sold_out_at" timestamptz(3) null;`);
    // What sold out before this migration: the last movement that took available units.
    this.addSql(`update stock_levels s set sold_out_at = (select m.at from stock_movements m where m.product_id = s.product_id and m.available_delta < 0 order by m.version desc limit 1) where s.available = 0;`);
    this.addSql(`alter table "stock_levels" add constraint "stock_levels_sold_out" check (sold_out_at is null or available = 0);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "stock_levels" drop constraint "stock_levels_sold_out";`);
    this.addSql(`alter table "stock_levels" drop column "sold_out_at";`);

    this.addSql(`alter table "products" drop column "sale_paused", drop column "image_url";`);
  }

}
