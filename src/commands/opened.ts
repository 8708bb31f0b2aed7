import { readSettings } from '../config/settings.ts';
import { openDatabase, type OpenDatabase } from '../postgres/open-database.ts';
import { openShop } from '../open-shop.ts';
import { Closers } from '../lib/closers.ts';
import { silentLog } from '../lib/log.ts';
import type { Shop } from '../shop/shop.ts';

/**
 * Opens the database for as long as the work takes: the one that the settings name, or the embedded
 * one, beside a server that runs it or by itself.
 */
export async function withDatabase(work: (open: OpenDatabase) => Promise<void>): Promise<void> {
  const closers = new Closers();
  try {
    await work(await openDatabase(readSettings(), { log: silentLog, closers, share: true }));
  } finally {
    await closers.close();
  }
}

/** The same with a whole shop, for admin actions: its changes are published to the servers' subscribers. */
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
