import { once } from 'node:events';
import type { Command } from 'commander';
import { Option } from 'commander';
import { csvLine, type Cell } from '../../lib/csv.ts';
import { decimalText } from '../../lib/money.ts';
import type { Progress } from '../../shop/reconciliation/reconcile.ts';
import {
  countExport,
  exportOrders,
  type ExportRange,
} from '../../shop/purchases/reads/export-orders.ts';
import type { Order } from '../../shop/purchases/reads/find-purchases.ts';
import { totalOf } from '../../shop/purchases/order.rules.ts';
import type { Shop } from '../../shop/shop.ts';
import { withDatabase } from '../opened.ts';
import { instant } from '../options.ts';
import { withBar } from '../output.ts';

interface ExportOptions {
  readonly csv?: true;
  readonly json?: true;
  readonly from?: Date;
  readonly to?: Date;
}

/** Adds `orders export`. */
export function addOrderExport(orders: Command): void {
  orders
    .command('export')
    .description('Write all orders to standard output, for accounting and spreadsheets.')
    .addOption(new Option('--csv', 'comma-separated values with a heading').conflicts('json'))
    .option('--json', 'one JSON array')
    .option('--from <time>', 'only orders created at or after this time, ISO 8601', instant)
    .option('--to <time>', 'only orders created before this time', instant)
    .action(writeExport);
}

function writeExport(options: ExportOptions): Promise<void> {
  const { from = null, to = null, json } = options;
  const format = json ? JSON_ARRAY : CSV;
  return withDatabase((shop) =>
    withBar((progress) => writeOrders(shop, { format, range: { from, to }, progress })),
  );
}

/** A way to write rows one after the other. */
interface Format {
  readonly head: string;
  /** One row; `index` is 0 for the first. */
  readonly row: (row: ExportedOrder, index: number) => string;
  readonly foot: string;
}

async function writeOrders(
  shop: Pick<Shop, 'database'>,
  {
    format,
    range,
    progress,
  }: { readonly format: Format; readonly range: ExportRange; readonly progress: Progress },
): Promise<void> {
  const total = await countExport(shop, range);
  let written = 0;
  await write(format.head);
  for await (const orders of exportOrders(shop, range)) {
    const lines = orders.map((order, index) => format.row(exported(order), written + index));
    written += orders.length;
    if (!(await write(lines.join('')))) return;
    progress(written, Math.max(written, total));
  }
  await write(format.foot);
}

/** Writes and waits until the reader has taken it; false when the reader has closed the pipe. */
async function write(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.destroyed && !stdout.write(text))
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
  return !stdout.destroyed && stdout.writable;
}

type ExportedOrder = ReturnType<typeof exported>;

/** One order by the columns of the export. Instants are ISO 8601, money is exact decimal text. */
function exported(order: Order) {
  const { id, holdId, productId, quantity, currency, status, customerId, metadata } = order;
  const instantOf = (time: Date | null): string | null => time && time.toISOString();
  return {
    id,
    holdId,
    productId,
    quantity,
    unitPrice: decimalText({ minor: order.unitPriceMinor, currency }),
    totalAmount: decimalText(totalOf(order)),
    currency,
    status,
    customerId,
    paymentProvider: order.paymentProvider,
    paymentId: order.paymentId,
    createdAt: instantOf(order.createdAt),
    paymentExpiresAt: instantOf(order.paymentExpiresAt),
    paidAt: instantOf(order.paidAt),
    updatedAt: instantOf(order.updatedAt),
    metadata,
  };
}

const COLUMNS = [
  'id',
  'holdId',
  'productId',
  'quantity',
  'unitPrice',
  'totalAmount',
  'currency',
  'status',
  'customerId',
  'paymentProvider',
  'paymentId',
  'createdAt',
  'paymentExpiresAt',
  'paidAt',
  'updatedAt',
  'metadata',
] as const satisfies readonly (keyof ExportedOrder)[];

const CSV: Format = {
  head: csvLine(COLUMNS),
  row: (row) =>
    csvLine(
      COLUMNS.map((column): Cell => {
        if (column !== 'metadata') return row[column];
        const isEmpty = Object.keys(row.metadata).length === 0;
        return isEmpty ? null : JSON.stringify(row.metadata);
      }),
    ),
  foot: '',
};

const JSON_ARRAY: Format = {
  head: '[',
  row: (row, index) => `${index === 0 ? '' : ','}\n${JSON.stringify(row)}`,
  foot: '\n]\n',
};
