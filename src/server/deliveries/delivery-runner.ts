import { setTimeout as delay } from 'node:timers/promises';
import { isFault } from '../../lib/faults.ts';
import type { Logger } from '../../lib/log.ts';
import {
  claimDeliveries,
  recordAttempts,
  type Attempt,
  type ClaimedDelivery,
} from '../../shop/events/claim-deliveries.ts';
import { isDelivered } from '../../shop/events/delivery.rules.ts';
import type { Shop } from '../../shop/shop.ts';
import type { Meters } from '../metrics/meters.ts';
import { sendEvent, type SendOptions } from './send-event.ts';

/**
 * Milliseconds between two rounds while there is work: at most 333 deliveries a second for an endpoint, so
 * that a sale keeps the machine, and ten thousand are delivered within a minute.
 */
const BUSY_MS = 60;

/** Milliseconds between two rounds while nothing is due and nothing is in flight. */
const IDLE_MS = 500;

/** What the runner needs. */
export interface DeliveryOptions extends SendOptions {
  readonly log: Logger;
  readonly meters: Meters;
}

/**
 * Delivers events while the server runs. Each round records the attempts that have ended, all in one
 * statement, and claims due deliveries, which are attempted side by side. Every server runs it; the
 * claims share the work. What a killed server had claimed is claimed again when its lease ends.
 */
export class DeliveryRunner {
  readonly #shop: Shop;
  readonly #options: DeliveryOptions;
  readonly #inFlight = new Set<Promise<void>>();
  #ended: { readonly delivery: ClaimedDelivery; readonly attempt: Attempt }[] = [];
  readonly #stopped = new AbortController();
  readonly #rounds: Promise<void>;

  constructor(shop: Shop, options: DeliveryOptions) {
    this.#shop = shop;
    this.#options = options;
    this.#rounds = this.#run();
  }

  /** Claims nothing more, and ends the attempts in flight: another server repeats them after their lease. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#rounds;
    await Promise.all(this.#inFlight);
    await this.#record();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#record();
      await this.#claim();
      const wait = this.#inFlight.size > 0 || this.#ended.length > 0 ? BUSY_MS : IDLE_MS;
      await delay(wait, undefined, { signal }).catch(() => {});
    }
  }

  async #claim(): Promise<void> {
    try {
      for (const delivery of await claimDeliveries(this.#shop)) this.#start(delivery);
    } catch (error) {
      // The next round claims again.
      if (!isFault(error)) this.#options.log.error({ err: error }, 'Claiming deliveries failed');
    }
  }

  #start(delivery: ClaimedDelivery): void {
    const { signal: stop } = this.#stopped;
    const attempt = sendEvent(delivery, { ...this.#options, stop }).then((ended) => {
      this.#inFlight.delete(attempt);
      if (!stop.aborted || ended.status !== null) this.#ended.push({ delivery, attempt: ended });
    });
    this.#inFlight.add(attempt);
  }

  /** Without its record a delivery is attempted again when its lease ends: at least once. */
  async #record(): Promise<void> {
    const ended = this.#ended;
    this.#ended = [];
    if (ended.length === 0) return;
    const { log, meters } = this.#options;
    try {
      for (const { id: endpointId, reason } of await recordAttempts(this.#shop, ended)) {
        meters.endpointDisabled();
        log.error({ endpointId, reason }, 'Webhook endpoint disabled');
      }
    } catch (error) {
      if (!isFault(error)) log.error({ err: error }, 'Recording a delivery failed');
    }
    for (const { delivery, attempt } of ended)
      meters.delivered(delivery.endpointId, isDelivered(attempt));
  }
}
