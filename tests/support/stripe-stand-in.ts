import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkoutRoutes } from './stripe-checkout.ts';
import { intentRoutes } from './stripe-intents.ts';
import { refundRoutes } from './stripe-refunds.ts';
import {
  failure,
  type StripeAnswer,
  type StripeCall,
  type StripeObjects,
  type StripeRoute,
} from './stripe-objects.ts';

/**
 * A stand-in for Stripe's API, written from docs.stripe.com/api, which the official package calls. It
 * remembers answers by idempotency key as Stripe does (docs.stripe.com/api/idempotent_requests). Faults can
 * be switched on, and every call is counted.
 */

/** What happens to a call instead of its answer. */
export type StripeFault =
  /** The key of the account is wrong. */
  | '401'
  /** 500 before the work is done. */
  | '500'
  /** 429 before the work is done. */
  | '429'
  /** The work is done, and its answer is 500. */
  | 'work-then-500'
  /** The work is done, and the connection is reset. */
  | 'work-then-reset'
  /** The work is done, and nothing is answered. */
  | 'work-then-hang'
  /** The connection is reset before the work is done. */
  | 'reset'
  /** Nothing is done and nothing is answered. */
  | 'hang';

/** Every route; another kind of object is one file more. */
const ROUTES: readonly StripeRoute[] = [...intentRoutes, ...checkoutRoutes, ...refundRoutes];

/** The stand-in. */
export class StripeStandIn {
  readonly url: string;
  readonly calls: StripeCall[] = [];
  readonly objects: StripeObjects = new Map();
  /** The fault of a call; undefined for none. */
  fault: (call: StripeCall) => StripeFault | undefined = () => undefined;
  readonly #server;
  readonly #answers = new Map<string, { readonly content: string; answer?: StripeAnswer }>();

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // A client that ends its connection in the middle of a call is not an error of the stand-in.
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async open(): Promise<StripeStandIn> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StripeStandIn(server);
  }

  /** The next calls have this fault, then none has. */
  failNext(fault: StripeFault, times = 1): void {
    let left = times;
    this.fault = () => (left-- > 0 ? fault : undefined);
  }

  /** Forgets all idempotency keys, as Stripe does after a day. */
  forgetKeys(): void {
    this.#answers.clear();
  }

  /** The calls of one kind: `POST /v1/payment_intents`. */
  callsOf(what: string): StripeCall[] {
    return this.calls.filter(({ method, path }) => `${method} ${path}` === what);
  }

  /** The objects of a kind, in the order of their creation: `payment_intent`. */
  objectsOf(kind: string): Record<string, unknown>[] {
    return [...this.objects.values()].filter(({ object }) => object === kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request);
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'hang') return;
    if (fault === 'reset') return void request.socket.resetAndDestroy();
    if (fault === '401')
      return sendAnswer(response, failure(401, 'invalid_request_error', 'Invalid API Key.'));
    if (fault === '500') return sendAnswer(response, failure(500, 'api_error', 'Server error.'));
    if (fault === '429')
      return sendAnswer(response, failure(429, 'invalid_request_error', 'Too many.', 'rate_limit'));
    const answer = this.#answerOnce(call);
    if (fault === 'work-then-hang') return;
    if (fault === 'work-then-reset') return void request.socket.resetAndDestroy();
    if (fault === 'work-then-500')
      return sendAnswer(response, failure(500, 'api_error', 'Server error.'));
    sendAnswer(response, answer);
  }

  #answerOnce(call: StripeCall): StripeAnswer {
    const { idempotencyKey: key, method, path, fields } = call;
    if (key === undefined || method !== 'POST') return this.#work(call);
    const content = `${path} ${fields.toString()}`;
    const known = this.#answers.get(key);
    if (known !== undefined && known.content !== content)
      return failure(400, 'idempotency_error', 'Keys can only be used with the same parameters.');
    if (known?.answer !== undefined) return known.answer;
    const answer = this.#work(call);
    // A refused parameter is not remembered.
    if (answer.status < 400) this.#answers.set(key, { content, answer });
    return answer;
  }

  #work(call: StripeCall): StripeAnswer {
    for (const route of ROUTES) {
      const id = route.method === call.method ? matchedId(route.path, call.path) : undefined;
      if (id !== undefined) return route.handle(call, this.objects, id);
    }
    return failure(404, 'invalid_request_error', `Unrecognized request URL (${call.path}).`);
  }
}

function matchedId(pattern: string, path: string): string | undefined {
  const form = new RegExp(`^${pattern.replace(':id', '([A-Za-z0-9_]+)')}$`);
  const match = form.exec(path);
  return match === null ? undefined : (match[1] ?? '');
}

async function readCall(request: IncomingMessage): Promise<StripeCall> {
  const { method = '', url = '', headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { pathname, search } = new URL(url, 'http://stripe');
  const body = Buffer.concat(chunks).toString('utf8');
  return {
    method,
    path: pathname,
    fields: new URLSearchParams(method === 'GET' ? search : body),
    idempotencyKey: headers['idempotency-key']?.toString(),
    apiKey: headers.authorization?.replace('Bearer ', ''),
  };
}

function sendAnswer(response: ServerResponse, { status, body }: StripeAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
