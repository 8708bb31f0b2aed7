import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Meters } from '../metrics/meters.ts';
import { receivePayment } from '../../shop/payments/receive-payment.ts';
import type { Receipt } from '../../shop/payments/payment-queues.ts';
import { isFault } from '../../lib/faults.ts';
import type { Logger } from '../../lib/log.ts';
import { answerJson, BodyError, isPlainJson, readBody, textOf } from '../http/body.ts';
import type { EventFields, Provider } from './provider.ts';
import { isFresh } from './signature.ts';
import type { Shop } from '../../shop/shop.ts';

/** An event has six short fields; a body beyond this is not one. */
const BODY_BYTES_MAX = 64 * 1024;

/** Seconds after which a provider is asked to deliver again. */
const RETRY_AFTER = '1';

/** What a provider's door needs. */
export interface WebhookOptions {
  readonly shop: Shop;
  readonly log: Logger;
  readonly meters: Meters;
  readonly provider: Provider;
}

/** Why an event is not taken: HTTP status, the contract's code, one sentence, and more where there is. */
class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly more: object;

  constructor(status: number, code: string, message: string, more: object = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

const CODES = { 400: 'malformed', 413: 'too_large', 415: 'unsupported_media_type' } as const;

/**
 * Takes one delivery: verify, parse, hand on, answer. Never a 500 by design: what fails unexpectedly
 * was rolled back whole and is answered 503, so that the provider's retry applies it.
 */
export async function takeDelivery(
  options: WebhookOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { shop, provider } = options;
  try {
    const { fields, payload } = await readDelivery(shop, provider, request);
    const headers = provider.audit(request.headers);
    const receipt = await receivePayment(shop, {
      provider: provider.name,
      ...fields,
      payload,
      headers,
      readStored: (stored) => readStored(provider, request, stored),
    });
    if ('conflict' in receipt) {
      throw new Refused(
        422,
        'idempotency_key_reused',
        'This idempotency key was used before with other content.',
      );
    }
    const { status, body, replayed } = receipt;
    tellReceipt(options, fields, receipt);
    answerJson(response, status, body, replayed ? { 'idempotent-replayed': 'true' } : {});
  } catch (error) {
    refuse(response, error, options);
  }
}

function tellReceipt(
  { provider: { name }, log, meters }: WebhookOptions,
  { orderId }: EventFields,
  { status, body, replayed }: Exclude<Receipt, { conflict: true }>,
): void {
  const { outcome } = JSON.parse(body) as { readonly outcome: string };
  meters.webhookAnswered(name, outcome);
  if (replayed) meters.duplicateWebhook(name);
  const message = replayed ? 'Duplicate webhook received' : 'Webhook processed successfully';
  log.info({ provider: name, orderId, status }, message);
}

async function readDelivery(
  shop: Shop,
  provider: Provider,
  request: IncomingMessage,
): Promise<{ readonly fields: EventFields; readonly payload: string }> {
  if (!isPlainJson(request)) {
    throw new Refused(415, CODES[415], 'The body must be application/json, UTF-8, not compressed.');
  }
  const body = await readBody(request, BODY_BYTES_MAX);
  await trust(shop, provider.verify(request.headers, body)?.signedAt);
  const payload = textOf(body);
  const event = provider.read(parseObject(payload), request.headers);
  if ('wrong' in event) {
    const names = Object.keys(event.wrong).join(', ');
    throw new Refused(422, 'invalid_fields', `Invalid fields: ${names}.`, { fields: event.wrong });
  }
  return { fields: event.fields, payload };
}

/** A stored body as the provider reads it now; undefined where it is redacted or cannot be read. */
function readStored(
  provider: Provider,
  { headers }: IncomingMessage,
  payload: string,
): EventFields | undefined {
  try {
    const event = provider.read(parseObject(payload), headers);
    return 'fields' in event ? event.fields : undefined;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/**
 * The signature's time window, by the database's clock: a server's wrong clock neither opens nor
 * closes it. Checked only for a right signature, so a flood of wrong ones never reaches the database.
 * The estimate spares each event a round trip; it never refuses one: that takes a reading of the clock.
 */
async function trust({ clock }: Shop, signedAt: Date | null | undefined): Promise<void> {
  if (signedAt === null) return;
  const isTrusted =
    signedAt !== undefined &&
    (isFresh(signedAt, await clock.estimate()) || isFresh(signedAt, await clock.read()));
  if (!isTrusted) {
    throw new Refused(
      401,
      'bad_signature',
      'The signature is missing, wrong, or outside the time window.',
    );
  }
}

function parseObject(text: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Refused(400, CODES[400], 'The body is not JSON.');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new Refused(400, CODES[400], 'The body is not a JSON object.');
}

function refuse(
  response: ServerResponse,
  error: unknown,
  { log, meters, provider }: WebhookOptions,
): void {
  const answer = (
    status: number,
    code: string,
    message: string,
    more: object = {},
    headers = {},
  ): void => {
    meters.webhookAnswered(provider.name, code);
    answerJson(response, status, JSON.stringify({ error: code, message, ...more }), headers);
  };
  if (error instanceof Refused) return answer(error.status, error.code, error.message, error.more);
  if (error instanceof BodyError) return answer(error.status, CODES[error.status], error.message);
  if (!isFault(error)) log.error({ err: error }, 'Webhook failed unexpectedly and was rolled back');
  const message = isFault(error) ? error.message : 'Nothing was recorded; deliver again.';
  answer(503, 'unavailable', message, {}, { 'retry-after': RETRY_AFTER });
}
