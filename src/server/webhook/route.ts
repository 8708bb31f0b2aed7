import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Meters } from '../metrics/meters.ts';
import { receivePayment } from '../../shop/payments/inbox/receive-payment.ts';
import type { Receipt } from '../../shop/payments/inbox/payment-queues.ts';
import { storedAnswer, type StoredAnswer } from '../../shop/payments/settlement/payment-answer.ts';
import { isFault } from '../../lib/faults.ts';
import type { Logger } from '../../lib/log.ts';
import { answerJson, BodyError, isPlainJson, readBody, textOf } from '../http/body.ts';
import type { EventFields, Provider } from './provider.ts';
import { isFresh } from './signature.ts';
import type { Shop } from '../../shop/shop.ts';

/** An event has six short fields: a larger body is not an event. */
const BODY_BYTES_MAX = 64 * 1024;

/** Seconds after which the provider may deliver again. */
const RETRY_AFTER = '1';

/** What the endpoint of a provider needs. */
export interface WebhookOptions {
  readonly shop: Shop;
  readonly log: Logger;
  readonly meters: Meters;
  readonly provider: Provider;
}

/** A delivery that is not accepted: HTTP status, the contract's code, one sentence, further fields. */
class DeliveryRefused extends Error {
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

/** The header of an answer to a duplicate. */
const REPLAYED: Readonly<Record<string, string>> = { 'idempotent-replayed': 'true' };

/**
 * Answers one delivery: verifies it, parses it and receives the payment. It never answers 500. An
 * unexpected failure was rolled back completely, so it answers 503 and the provider's retry applies it.
 */
export async function answerDelivery(
  options: WebhookOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { shop, provider } = options;
  try {
    const { fields, payload } = await readDelivery(shop, provider, request);
    const receipt = await receivePayment(shop, {
      provider: provider.name,
      ...fields,
      payload,
      headers: provider.audit(request.headers),
      readStored: (stored) => readStored(provider, request, stored),
    });
    if (receipt.kind === 'conflict') {
      throw new DeliveryRefused(
        422,
        'idempotency_key_reused',
        'This idempotency key was used before with other content.',
      );
    }
    const answer = receipt.kind === 'settled' ? storedAnswer(receipt.answer) : receipt.answer;
    report(options, { orderId: fields.orderId, kind: receipt.kind, answer });
    const headers = receipt.kind === 'repeated' ? REPLAYED : {};
    answerJson(response, answer.httpStatus, answer.body, headers);
  } catch (error) {
    refuse(response, error, options);
  }
}

/** Counts and logs an accepted delivery. */
function report(
  { provider: { name }, log, meters }: WebhookOptions,
  accepted: {
    readonly orderId: string | null;
    readonly kind: Exclude<Receipt['kind'], 'conflict'>;
    readonly answer: StoredAnswer;
  },
): void {
  const { orderId, kind, answer } = accepted;
  const isRepeated = kind === 'repeated';
  meters.webhookAnswered(name, answer.outcome);
  if (isRepeated) meters.duplicateWebhook(name);
  const message = isRepeated ? 'Duplicate webhook received' : 'Webhook processed successfully';
  log.info({ provider: name, orderId, status: answer.httpStatus }, message);
}

async function readDelivery(
  shop: Shop,
  provider: Provider,
  request: IncomingMessage,
): Promise<{ readonly fields: EventFields; readonly payload: string }> {
  if (!isPlainJson(request)) {
    throw new DeliveryRefused(
      415,
      CODES[415],
      'The body must be application/json, UTF-8, not compressed.',
    );
  }
  const body = await readBody(request, BODY_BYTES_MAX);
  await checkSignature(shop, provider.verify(request.headers, body)?.signedAt);
  const payload = textOf(body);
  const event = provider.read(parseObject(payload), request.headers);
  if (event.kind === 'invalid') {
    const names = Object.keys(event.errors).join(', ');
    throw new DeliveryRefused(422, 'invalid_fields', `Invalid fields: ${names}.`, {
      fields: event.errors,
    });
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
    return event.kind === 'event' ? event.fields : undefined;
  } catch (error) {
    if (error instanceof DeliveryRefused) return undefined;
    throw error;
  }
}

/**
 * Checks that the signature is valid and in its time window, by the database's clock. A wrong clock of
 * this server has no effect. Invalid signatures never reach the database. The estimated clock saves a
 * round trip, and only a reading of the clock refuses an event.
 */
async function checkSignature({ clock }: Shop, signedAt: Date | null | undefined): Promise<void> {
  if (signedAt === null) return;
  const isTrusted =
    signedAt !== undefined &&
    (isFresh(signedAt, await clock.estimate()) || isFresh(signedAt, await clock.read()));
  if (!isTrusted) {
    throw new DeliveryRefused(
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
    throw new DeliveryRefused(400, CODES[400], 'The body is not JSON.');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new DeliveryRefused(400, CODES[400], 'The body is not a JSON object.');
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
  if (error instanceof DeliveryRefused)
    return answer(error.status, error.code, error.message, error.more);
  if (error instanceof BodyError) return answer(error.status, CODES[error.status], error.message);
  if (!isFault(error)) log.error({ err: error }, 'Webhook failed unexpectedly and was rolled back');
  const message = isFault(error) ? error.message : 'Nothing was recorded; deliver again.';
  answer(503, 'unavailable', message, {}, { 'retry-after': RETRY_AFTER });
}
