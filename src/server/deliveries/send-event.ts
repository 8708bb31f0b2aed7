import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Webhook } from 'standardwebhooks';
import { VERSION } from '../../lib/version.ts';
import type { Attempt, ClaimedDelivery } from '../../shop/events/claim-deliveries.ts';
import { checkedLookup, type AddressPolicy } from './checked-address.ts';

/** Longest attempt, in milliseconds, from the resolution of the name to the status of the answer. */
const TIMEOUT_MS = 15_000;

/** Bytes of an answer that are kept; the rest is not read. */
const ANSWER_BYTES_MAX = 1024;

/** How an attempt is made. */
export interface SendOptions extends AddressPolicy {
  readonly timeoutMs?: number;
  /** Ends the attempt early. */
  readonly stop?: AbortSignal;
}

/**
 * Posts an event to its endpoint, signed as Standard Webhooks 1.0 with every current secret. Redirects
 * are not followed. It never rejects: an error is an attempt without a status.
 */
export async function sendEvent(
  delivery: ClaimedDelivery,
  { timeoutMs = TIMEOUT_MS, stop, ...policy }: SendOptions,
): Promise<Attempt> {
  const startedAt = performance.now();
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
  const ended = await post(delivery, policy, signal).catch((error: unknown) => ({
    status: null,
    retryAfterMs: null,
    answer: signal.aborted ? 'The endpoint did not answer in time.' : errorText(error),
  }));
  return { ...ended, durationMs: Math.round(performance.now() - startedAt) };
}

async function post(
  delivery: ClaimedDelivery,
  policy: AddressPolicy,
  signal: AbortSignal,
): Promise<Omit<Attempt, 'durationMs'>> {
  const url = new URL(delivery.url);
  const lookup = await Promise.race([checkedLookup(url, policy), aborted(signal)]);
  const response = await sendRequest(url, delivery, { lookup, signal });
  const answer = await firstKib(response);
  return { status: response.statusCode!, retryAfterMs: retryAfterMs(response), answer };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function sendRequest(
  url: URL,
  delivery: ClaimedDelivery,
  connection: Pick<RequestOptions, 'lookup' | 'signal'>,
): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // A connection of its own: a kept one would go to an address that was checked for another attempt.
    const sent = send(url, {
      ...connection,
      method: 'POST',
      agent: false,
      headers: headersOf(delivery),
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(delivery.payload);
  });
}

/** The timestamp is that of the attempt, by the database's clock. */
function headersOf({ eventId, claimedAt, payload, secrets }: ClaimedDelivery) {
  return {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
    'user-agent': `flash-sale-checkout/${VERSION}`,
    'webhook-id': eventId,
    'webhook-timestamp': String(Math.floor(claimedAt.getTime() / 1000)),
    'webhook-signature': secrets
      .map((secret) => new Webhook(secret).sign(eventId, claimedAt, payload))
      .join(' '),
  };
}

/** The status decides; a body that does not end, or fails, is cut. */
async function firstKib(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= ANSWER_BYTES_MAX) break;
    }
  } catch {
    // What was read before the failure is kept.
  }
  response.destroy();
  const text = Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
  return storable(text);
}

/** Postgres stores no NUL, and in JSON no half of a surrogate pair, which cutting a text can leave. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/** Seconds, or a date; a date is compared with the endpoint's own clock. */
function retryAfterMs({ headers }: IncomingMessage): number | null {
  const given = headers['retry-after'];
  if (given === undefined) return null;
  if (/^\d{1,9}$/.test(given)) return Number(given) * 1000;
  const waitMs = Date.parse(given) - Date.parse(headers.date ?? '');
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : null;
}

function errorText(error: unknown): string {
  const { message, code } = error as { readonly message?: string; readonly code?: string };
  return storable((message || code || 'The connection failed.').slice(0, ANSWER_BYTES_MAX));
}
