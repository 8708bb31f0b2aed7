import type { Command } from 'commander';
import { adminCancelOrder } from '../../shop/admin/admin-cancel-order.ts';
import { accepted, act, withDryRun, type ActOptions } from '../act.ts';
import { uuid, words } from '../options.ts';

interface CancelOptions extends ActOptions {
  readonly reason: string;
  readonly restock?: true;
}

/** Adds `orders cancel`. */
export function addOrderCancellation(orders: Command): void {
  withDryRun(orders.command('cancel'))
    .argument('<id>', 'the order id', uuid)
    .description('Cancel an order permanently. A paid order gets a refund.')
    .requiredOption('--reason <text>', 'why; kept with the movement', words)
    .option('--restock', 'a paid order: its units become available; without it they leave the sale')
    .action(cancel);
}

function cancel(orderId: string, options: CancelOptions): Promise<void> {
  const { reason, restock = false } = options;
  return act(options, async (shop, caller) => {
    accepted(await adminCancelOrder(shop, caller, { orderId, reason, restock }));
    return {
      action: 'adminCancelOrder',
      ids: { orderId },
      done: `Order ${orderId} is cancelled.`,
    };
  });
}
