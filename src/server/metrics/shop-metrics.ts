import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import type { Backlog, ShopFigures } from '../../shop/reconciliation/read-figures.ts';

/** Figures younger than this are reused, so the number of scrapers does not add database load. */
const FRESH_MS = 5000;

/** Longest wait of a scrape for the database. After it, the read counts as failed. */
const WAIT_MAX_MS = 2000;

/**
 * The metrics that come from the database, read on each scrape. They are absent while the database does
 * not answer, so that a dashboard shows no old values as current ones.
 */
export class ShopMetrics {
  readonly #read: () => Promise<ShopFigures>;
  readonly #registry = new Registry();
  readonly #gauges: Gauges;
  #readAt = -FRESH_MS;
  #refreshing: Promise<void> | undefined;

  constructor(read: () => Promise<ShopFigures>) {
    this.#read = read;
    this.#gauges = createGauges(this.#registry);
  }

  /** The metrics in Prometheus' text format. It never rejects. */
  async text(): Promise<string> {
    if (performance.now() - this.#readAt >= FRESH_MS) {
      this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
      await Promise.race([this.#refreshing, delay(WAIT_MAX_MS, undefined, { ref: false })]);
    }
    if (performance.now() - this.#readAt >= FRESH_MS) removeFigures(this.#gauges);
    return this.#registry.metrics();
  }

  async #refresh(): Promise<void> {
    const figures = await this.#read().catch(() => undefined);
    if (figures === undefined) return;
    showFigures(this.#gauges, figures);
    this.#readAt = performance.now();
  }
}

type Gauges = ReturnType<typeof createGauges>;

function createGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `flashsale_${name}`, help, labelNames, registers: [registry] });
  return {
    databaseUp: gauge(
      'database_up',
      'Whether the database answered. If 0, the other metrics of the database are absent.',
    ),
    events: gauge('payment_events', 'Payment events that are parked or dead letters.', ['status']),
    eventAge: gauge(
      'payment_event_age_seconds',
      'Age of the oldest payment event in this status.',
      ['status'],
    ),
    withoutOrder: gauge('payments_without_order', 'Total successful payments that name no order.'),
    withoutOrderLastDay: gauge(
      'payments_without_order_last_day',
      'Successful payments of the last 24 hours that name no order.',
    ),
    refunds: gauge('open_refunds', 'Refunds that are not resolved: open, or sent.'),
    refundAge: gauge('open_refund_age_seconds', 'Age of the oldest refund that is not resolved.'),
    refusedRefunds: gauge('refused_refunds', 'Open refunds that their provider refused.'),
    deliveries: gauge(
      'event_deliveries_pending',
      'Events that enabled endpoints have not taken yet.',
    ),
    deliveryAge: gauge(
      'event_delivery_age_seconds',
      'Age of the oldest event that an enabled endpoint has not taken yet.',
    ),
    deliveryLag: gauge(
      'event_delivery_lag_seconds',
      'Time for which the oldest due delivery has been due.',
    ),
    lag: gauge('sweep_lag_seconds', 'Time since the deadline of the oldest overdue hold or order.'),
    oldest: gauge(
      'database_oldest_transaction_seconds',
      'Age of the oldest open transaction in the database, of any client.',
    ),
    stock: gauge('stock_units', 'Units by product and counter (available, held, sold).', [
      'product',
      'bucket',
    ]),
  };
}

function showFigures(gauges: Gauges, figures: ShopFigures): void {
  const { events, eventAge, stock } = gauges;
  const showWaiting = (status: string, { count, oldestSeconds }: Backlog): void => {
    events.set({ status }, count);
    eventAge.set({ status }, oldestSeconds);
  };
  gauges.databaseUp.set(1);
  showWaiting('parked', figures.parked);
  showWaiting('dead', figures.dead);
  gauges.withoutOrder.set(figures.withoutOrder.count);
  gauges.withoutOrderLastDay.set(figures.withoutOrderLastDay);
  gauges.refunds.set(figures.openRefunds.count);
  gauges.refundAge.set(figures.openRefunds.oldestSeconds);
  gauges.refusedRefunds.set(figures.refusedRefunds);
  gauges.deliveries.set(figures.deliveries.count);
  gauges.deliveryAge.set(figures.deliveries.oldestSeconds);
  gauges.deliveryLag.set(figures.deliveryLagSeconds);
  gauges.lag.set(figures.sweepLagSeconds);
  gauges.oldest.set(figures.oldestTransactionSeconds);
  stock.reset();
  for (const { productId, available, held, sold } of figures.stock) {
    for (const [bucket, units] of Object.entries({ available, held, sold }))
      stock.set({ product: productId, bucket }, units);
  }
}

function removeFigures(gauges: Gauges): void {
  const { databaseUp, events, eventAge, stock, ...single } = gauges;
  for (const one of [events, eventAge, stock]) one.reset();
  for (const one of Object.values(single)) one.remove();
  databaseUp.set(0);
}
