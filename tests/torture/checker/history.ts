/** What a provider reports in one event. */
export interface EventContent {
  readonly key: string;
  readonly paymentId: string;
  readonly reportedStatus: string;
  /** Decimal text; null where the event names none. */
  readonly amount: string | null;
  readonly currency: string | null;
}

/** What a call asks for. `purchase` is the number of the purchase in the plan. */
export type Request =
  | {
      readonly kind: 'createHold';
      readonly purchase: number;
      readonly productId: number;
      readonly quantity: number;
      readonly customerId: string | null;
      readonly key: string;
    }
  | {
      readonly kind: 'readHold' | 'releaseHold' | 'createOrder' | 'readOrder' | 'cancelOrder';
      readonly purchase: number;
    }
  | { readonly kind: 'adminCancelOrder'; readonly purchase: number; readonly restock: boolean }
  | {
      readonly kind: 'deliver';
      readonly purchase: number;
      readonly orderId: string;
      readonly event: EventContent;
    }
  | { readonly kind: 'replayEvent'; readonly purchase: number; readonly eventKey: string }
  | {
      readonly kind: 'adjustStock';
      readonly productId: number;
      readonly delta: number;
      readonly key: string;
    }
  | { readonly kind: 'resolveRefund'; readonly refundId: string; readonly note: string }
  | { readonly kind: 'reconcile' };

/** A request that belongs to one purchase. */
export type PurchaseRequest = Extract<Request, { readonly purchase: number }>;

/**
 * How a call ended:
 * - ok: it took effect, or its effect was there before. `says` is the state that the answer names.
 * - refused: it had no effect.
 * - unknown: it had its effect, will have it, or will never have it.
 */
export type Answer =
  | {
      readonly kind: 'ok';
      readonly says: string;
      /** The id in the answer; null where it has none. */
      readonly id: string | null;
      /** The text of the answer, for a delivery only. */
      readonly body: string | null;
    }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** One recorded call. */
export interface Call {
  readonly id: number;
  readonly server: number;
  readonly request: Request;
  readonly answer: Answer;
  /** Milliseconds of the system clock, which is the database's clock as well. */
  readonly calledAt: number;
  readonly returnedAt: number;
  /** Positions in the order of all calls and returns. A call ended before another one that begins later. */
  readonly begins: number;
  readonly ends: number;
}

/** A recorded call of one purchase. */
export type PurchaseCall = Call & { readonly request: PurchaseRequest };

/** All calls of a run. */
export type History = readonly Call[];

/** Refusals that depend on the moment alone: nothing was done in any state. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['BUSY', 'NOT_CONNECTED']);

/** Whether the call certainly had no effect and says nothing about a state. */
export function isWithoutEffect({ answer }: Call): boolean {
  return answer.kind === 'refused' && WITHOUT_EFFECT.has(answer.code);
}

/** Whether the call is one of a purchase. */
export function isOfPurchase(call: Call): call is PurchaseCall {
  return 'purchase' in call.request;
}

/** One line for a call, as violations show it. */
export function lineOf({ id, server, request, answer, calledAt, returnedAt }: Call): string {
  const { kind, ...args } = request;
  const said =
    answer.kind === 'ok' ? answer.says : answer.kind === 'refused' ? answer.code : answer.reason;
  const times = `${new Date(calledAt).toISOString().slice(11, 23)} +${returnedAt - calledAt} ms`;
  return `#${id} server ${server} ${times} ${kind} ${JSON.stringify(args)} → ${answer.kind} ${said}`;
}
