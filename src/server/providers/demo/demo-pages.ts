import { setTimeout as delay } from 'node:timers/promises';
import type { Express, Request, Response } from 'express';
import { isFault } from '../../../lib/faults.ts';
import { findSession, type FoundSession } from '../../../shop/payments/find-session.ts';
import type { Shop } from '../../../shop/shop.ts';
import { BodyError, readBody } from '../../http/body.ts';
import {
  DEMO_ACTIONS,
  sendDemoEvent,
  type DemoAction,
  type DemoAnswer,
  type DemoTarget,
} from './demo-events.ts';
import { demoHeaders, messagePage, paymentPage } from './demo-html.ts';

/** The id of a demo payment: it holds the id of its session. */
const PAYMENT = /^demo_[0-9a-f-]{36}$/;

/** The form has one field. */
const FORM_BYTES_MAX = 1024;

/** Milliseconds between two looks at an order that a late payment waits for. */
const LOOK_AGAIN_MS = 500;

/** Serves the page of each demo payment. */
export class DemoPages {
  readonly #shop: Shop;
  readonly #target: DemoTarget;

  constructor(shop: Shop, target: DemoTarget) {
    this.#shop = shop;
    this.#target = target;
  }

  /** Adds the routes: GET shows the page, POST does what its button says. */
  serve(app: Express): void {
    app.all('/pay/:payment', async (request, response) => {
      try {
        await this.#answer(request, response);
      } catch (error) {
        this.#fail(response, error);
      }
    });
  }

  async #answer(request: Request, response: Response): Promise<void> {
    const { method } = request;
    if (!['GET', 'HEAD', 'POST'].includes(method)) {
      response.set('allow', 'GET, HEAD, POST');
      return send(
        response,
        405,
        messagePage('Not possible', ['Open this page, or send its form.']),
      );
    }
    const id = String(request.params['payment']);
    const session = PAYMENT.test(id) ? await findSession(this.#shop, 'demo', id) : null;
    if (session === null)
      return send(response, 404, messagePage('Unknown payment', ['No payment has this address.']));
    if (method !== 'POST') return showPayment(response, session);
    const action = await actionOf(request);
    if (action === undefined)
      return send(response, 400, messagePage('Not possible', ['This form has no such button.']));
    return action === 'late'
      ? this.#payLate(response, session)
      : this.#payNow(response, session, action);
  }

  async #payNow(response: Response, session: FoundSession, action: DemoAction): Promise<void> {
    if (session.status === 'ENDED') return showPayment(response, session, 409);
    const answers = await this.#send(session, action);
    const { returnUrl } = session;
    const isDone = answers.every(({ ok }) => ok);
    if (isDone && returnUrl !== null) return redirect(response, returnUrl);
    const texts = answers.map(({ text }) => `The webhook answered ${text}`);
    const title = isDone ? 'Payment sent' : 'The webhook refused the payment';
    send(response, isDone ? 200 : 502, messagePage(title, texts, returnUrl), returnUrl);
  }

  /** A stop of the server ends the wait: a late payment of the demo is not stored. */
  #payLate(response: Response, session: FoundSession): void {
    this.#sendWhenEnded(session).catch((error: unknown) => {
      const { log } = this.#shop;
      log.warn({ orderId: session.orderId, err: error }, 'The late demo payment was not sent');
    });
    const { returnUrl } = session;
    if (returnUrl !== null) return redirect(response, returnUrl);
    const text = 'The payment is sent as soon as the order has ended.';
    send(response, 202, messagePage('Late payment', [text]));
  }

  async #sendWhenEnded(session: FoundSession): Promise<void> {
    for (;;) {
      const order = await this.#shop.reads.order.load(session.orderId);
      if (order?.status !== 'PENDING') break;
      await delay(LOOK_AGAIN_MS, undefined, { ref: false });
    }
    await this.#send(session, 'late');
  }

  async #send(session: FoundSession, action: DemoAction): Promise<DemoAnswer[]> {
    const answers: DemoAnswer[] = [];
    for (const event of DEMO_ACTIONS[action](session)) {
      const { orderId } = session;
      answers.push(await sendDemoEvent(this.#shop, this.#target, { orderId, event }));
    }
    return answers;
  }

  #fail(response: Response, error: unknown): void {
    if (response.headersSent) return;
    if (error instanceof BodyError)
      return send(response, error.status, messagePage('Not possible', [error.message]));
    if (!isFault(error)) this.#shop.log.error({ err: error }, 'A page of the demo provider failed');
    response.set('retry-after', '1');
    send(response, 503, messagePage('Not available', ['Try again in a moment.']));
  }
}

/** An ended session shows how its order ended. */
function showPayment(response: Response, session: FoundSession, statusOfEnded = 200): void {
  if (session.status !== 'ENDED')
    return send(response, 200, paymentPage(session), session.returnUrl);
  const text = `The payment is over: the order is ${session.orderStatus}.`;
  send(response, statusOfEnded, messagePage('Payment over', [text]));
}

async function actionOf(request: Request): Promise<DemoAction | undefined> {
  const body = await readBody(request, FORM_BYTES_MAX);
  const action = new URLSearchParams(body.toString('utf8')).get('action') ?? '';
  return Object.hasOwn(DEMO_ACTIONS, action) ? (action as DemoAction) : undefined;
}

/** The policy admits `returnUrl` as the target of the form's redirect. */
function send(
  response: Response,
  status: number,
  html: string,
  returnUrl: string | null = null,
): void {
  response.status(status).set(demoHeaders(returnUrl)).type('html').send(html);
}

/** 303: the browser opens the page with GET. */
function redirect(response: Response, url: string): void {
  response.set({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  response.redirect(303, url);
}
