import { readSettings } from '../config/settings.ts';
import { openDatabase, type OpenDatabase } from '../postgres/open-database.ts';
import { openShop } from '../open-shop.ts';
import { openProviders } from '../server/providers/providers.ts';
import { Closers } from '../lib/closers.ts';
import { silentLog } from '../lib/log.ts';
import type { Shop } from '../shop/shop.ts';

/**
 * Opens the database during `work`: the one that the settings name, or else the embedded one. The
 * embedded one may already run for a server.
 */
export async function withDatabase(work: (open: OpenDatabase) => Promise<void>): Promise<void> {
  const closers = new Closers();
  try {
    await work(await openDatabase(readSettings(), { log: silentLog, closers, share: true }));
  } finally {
    await closers.close();
  }
}

/**
 * Opens a whole shop during `work`, for admin operations. Its changes are published to the subscribers
 * of the servers.
 */
export function withShop(work: (shop: Shop) => Promise<void>): Promise<void> {
  return withDatabase(async ({ database }) => {
    const { shop, changeNotifier } = openShop({ database }, readSettings());
    await changeNotifier.start();
    try {
      await work(shop);
    } finally {
      await changeNotifier.stop();
    }
  });
}

/** Opens the database and the payment providers of the settings during `work`. */
export function withProviders(
  work: (shop: Pick<Shop, 'database' | 'paymentProviders'>) => Promise<void>,
): Promise<void> {
  return withDatabase(async ({ database }) => {
    const settings = readSettings();
    // Pages of the demo provider are not opened, so its URL does not matter.
    const { payments } = await openProviders(settings, 'http://localhost');
    await work({ database, paymentProviders: payments });
  });
}
