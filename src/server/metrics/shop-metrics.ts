import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import type { ShopFigures, Waiting } from '../../shop/reconciliation/read-figures.ts';

/** Figures younger than this are told again: however many scrape, the database is asked this often. */
const FRESH_MS = 5000;

/** A scrape waits no longer than this for them: one that is late is one that failed. */
const WAIT_MAX_MS = 2000;

/**
 * The figures that only the database knows, read when they are asked for. While it does not answer
 * they are left out rather than told as they were: an old number on a screen is a wrong one.
 */
export class ShopMetrics {
  readonly #read: () => Promise<ShopFigures>;
  readonly #registry = new Registry();
  readonly #gauges: ReturnType<typeof openGauges>;
  #readAt = -FRESH_MS;
  #underWay: Promise<void> | undefined;

  constructor(read: () => Promise<ShopFigures>) {
    this.#read = read;
    this.#gauges = openGauges(this.#registry);
  }

  /** The figures as Prometheus reads them; it never fails. */
  async text(): Promise<string> {
    if (performance.now() - this.#readAt >= FRESH_MS) {
      this.#underWay ??= this.#refresh().finally(() => (this.#underWay = undefined));
      await Promise.race([this.#underWay, delay(WAIT_MAX_MS, undefined, { ref: false })]);
    }
    if (performance.now() - this.#readAt >= FRESH_MS) this.#gauges.unknown();
    return this.#registry.metrics();
  }

  async #refresh(): Promise<void> {
    const figures = await this.#read().catch(() => undefined);
    if (figures === undefined) return;
    this.#gauges.show(figures);
    this.#readAt = performance.now();
  }
}

function openGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `flashsale_${name}`, help, labelNames, registers: [registry] });
  const known = gauge('figures_up', 'Whether the database told the figures below.');
  const events = gauge('payment_events', 'Payment events that wait or were given up.', ['status']);
  const eventAge = gauge('payment_event_age_seconds', 'Age of the oldest of them.', ['status']);
  const noOrder = gauge('payments_without_order', 'Successful payments that name no order.');
  const noOrderLastDay = gauge('payments_without_order_last_day', 'Those of the last 24 hours.');
  const refunds = gauge('open_refunds', 'Refunds that are open.');
  const refundAge = gauge('open_refund_age_seconds', 'Age of the oldest open refund.');
  const lag = gauge('sweep_lag_seconds', 'How long the oldest due hold or order has been due.');
  const oldest = gauge(
    'database_oldest_transaction_seconds',
    'How long the oldest transaction on the database has been open, whoever has it.',
  );
  const stock = gauge('stock_units', 'Units by product and bucket.', ['product', 'bucket']);

  const showWaiting = (status: string, { count, oldestSeconds }: Waiting): void => {
    events.set({ status }, count);
    eventAge.set({ status }, oldestSeconds);
  };

  return {
    show(figures: ShopFigures): void {
      known.set(1);
      showWaiting('parked', figures.parked);
      showWaiting('dead', figures.dead);
      noOrder.set(figures.withoutOrder.count);
      noOrderLastDay.set(figures.withoutOrderLastDay);
      refunds.set(figures.openRefunds.count);
      refundAge.set(figures.openRefunds.oldestSeconds);
      lag.set(figures.sweepLagSeconds);
      oldest.set(figures.oldestTransactionSeconds);
      stock.reset();
      for (const { productId, available, held, sold } of figures.stock) {
        for (const [bucket, units] of Object.entries({ available, held, sold }))
          stock.set({ product: productId, bucket }, units);
      }
    },
    unknown(): void {
      for (const one of [events, eventAge, stock]) one.reset();
      for (const one of [noOrder, noOrderLastDay, refunds, refundAge, lag, oldest]) one.remove();
      known.set(0);
    },
  };
}
