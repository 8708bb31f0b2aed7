import { join } from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { ProductTable } from './src/shop/catalog/product.entity.ts';
import { HoldTable } from './src/shop/purchases/hold.entity.ts';
import { readDatabaseSetting } from './src/config/settings.ts';
import { AuditEntryTable } from './src/shop/admin/audit/audit-log.entity.ts';
import { OrderTable } from './src/shop/purchases/order.entity.ts';
import { PaymentEventTable } from './src/shop/payments/inbox/payment-event.entity.ts';
import { PaymentSessionTable } from './src/shop/payments/payment-session.entity.ts';
import { RefundTable } from './src/shop/payments/refund.entity.ts';
import { ShopEventTable } from './src/shop/events/shop-event.entity.ts';
import { WebhookDeliveryTable } from './src/shop/events/webhook-delivery.entity.ts';
import { WebhookEndpointTable } from './src/shop/events/webhook-endpoint.entity.ts';
import { sessionOptions } from './src/postgres/database.ts';
import { StockLevelTable } from './src/shop/stock/stock-level.entity.ts';
import { StockMovementTable } from './src/shop/stock/stock-movement.entity.ts';

/** Beside this file, built or not; a path of its own would depend on the folder started from. */
const MIGRATIONS = join(import.meta.dirname, 'src/migrations');

/** The tables and their migrations. */
export const tables: Options = defineConfig({
  entities: [
    ProductTable,
    ShopEventTable,
    WebhookEndpointTable,
    WebhookDeliveryTable,
    StockLevelTable,
    StockMovementTable,
    HoldTable,
    OrderTable,
    PaymentEventTable,
    PaymentSessionTable,
    RefundTable,
    AuditEntryTable,
  ],
  extensions: [Migrator],
  // Said rather than guessed: under a test runner the ORM would take itself for built code.
  preferTs: import.meta.filename.endsWith('.ts'),
  migrations: {
    path: MIGRATIONS,
    pathTs: MIGRATIONS,
    snapshotName: '.snapshot',
    // Written by migration:create alone: a server writes nothing where its code lies.
    snapshotOnMigrate: false,
    silent: true,
  },
  // The clock's function is written by hand in the first migration; tests move time by redefining it.
  schemaGenerator: { ignoreRoutines: true },
  // Where the ORM itself reads the clock (created_at columns of its own), it is UTC's.
  forceUtcTimezone: true,
});

/**
 * For the ORM's own command line: the tables in the database that DATABASE_URL names, reached as the
 * server reaches it. A function, so that the server reads no setting by importing the tables.
 */
export default function tablesOfCommandLine(): Options {
  const connection = readDatabaseSetting();
  return connection === undefined
    ? tables
    : { ...tables, ...sessionOptions({ connection, poolMax: 2 }) };
}
