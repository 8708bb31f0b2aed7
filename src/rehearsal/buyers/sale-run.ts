import { setTimeout as delay } from 'node:timers/promises';
import { signPayload } from '../../server/webhook/signature.ts';
import type { RehearsalOptions } from '../options.ts';
import type { Post } from '../connection.ts';
import type { Call, Claim, OperationName } from '../report/recording.ts';
import type { Client } from './client.ts';
import { readGraphql, type Read } from './requests.ts';

/** What all buyers of a rehearsal share. */
export interface SaleOptions {
  readonly client: Client;
  readonly options: RehearsalOptions;
  readonly productId: string;
  /** Distinguishes the idempotency keys of this rehearsal. */
  readonly run: string;
  readonly webhookSecret: string;
  /** When the sale opens, as `performance.now()` counts. */
  readonly openingMs: number;
  /** The same moment by the database's clock. */
  readonly opensAt: Date;
  /** Ends all pauses. */
  readonly signal: AbortSignal;
}

/** The sale as its buyers see it: it sends their calls and records the answers. */
export class SaleRun {
  readonly options: RehearsalOptions;
  readonly productId: string;
  readonly run: string;
  readonly calls: Call[] = [];
  readonly claims: Claim[] = [];
  readonly contradictions: string[] = [];
  readonly refunds: Record<string, number> = {};
  readonly #sale: SaleOptions;

  constructor(sale: SaleOptions) {
    this.options = sale.options;
    this.productId = sale.productId;
    this.run = sale.run;
    this.#sale = sale;
  }

  /** Milliseconds after the opening. */
  now(): number {
    return performance.now() - this.#sale.openingMs;
  }

  /** @throws AbortError where the rehearsal is stopped */
  pause(ms: number): Promise<void> {
    return delay(Math.max(0, ms), undefined, { signal: this.#sale.signal });
  }

  /** Sends one call to the server of this number, and records it. */
  async call(
    { buyer, operation, server }: { buyer: number; operation: OperationName; server: number },
    request: string | Post,
    read: (answer: Awaited<ReturnType<Client['send']>>) => Read = readGraphql,
  ): Promise<Read & { readonly sentMs: number }> {
    const sentMs = this.now();
    const result = read(await this.#sale.client.send(server, request));
    this.#sale.signal.throwIfAborted();
    const tookMs = this.now() - sentMs;
    this.calls.push({ buyer, operation, atMs: sentMs, tookMs, outcome: result.outcome });
    return { ...result, sentMs };
  }

  /** Sends a createHold without reading its answer. */
  async abandon(buyer: number, server: number, request: string): Promise<void> {
    const atMs = this.now();
    await this.#sale.client.abandon(server, request);
    const tookMs = this.now() - atMs;
    this.calls.push({ buyer, operation: 'createHold', atMs, tookMs, outcome: 'page closed' });
  }

  /** A signed request of the payment provider. Its time is that of the database. */
  signed(payload: Readonly<Record<string, string>> & { readonly idempotency_key: string }): Post {
    const body = JSON.stringify(payload);
    const at = new Date(this.#sale.opensAt.getTime() + this.now());
    const headers = signPayload(this.#sale.webhookSecret, {
      id: payload.idempotency_key,
      at,
      payload: body,
    });
    return {
      path: '/api/payments/webhook',
      headers: Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join(''),
      body,
    };
  }
}
