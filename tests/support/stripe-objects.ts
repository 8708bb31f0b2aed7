import { randomBytes } from 'node:crypto';

/** A call as it was received. */
export interface StripeCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The form fields, or those of the query: `metadata[order_id]`. */
  readonly fields: URLSearchParams;
  readonly idempotencyKey: string | undefined;
  /** The secret key of the caller. */
  readonly apiKey: string | undefined;
}

/** An answer: the HTTP status and the JSON. */
export interface StripeAnswer {
  readonly status: number;
  readonly body: object;
}

/** The objects of the account, by id. */
export type StripeObjects = Map<string, Record<string, unknown>>;

/** One route: `:id` in its path matches one id. */
export interface StripeRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  handle(call: StripeCall, objects: StripeObjects, id: string): StripeAnswer;
}

/** An error as Stripe answers it. */
export function failure(
  status: number,
  type: string,
  message: string,
  code?: string,
): StripeAnswer {
  return { status, body: { error: { type, message, ...(code !== undefined && { code }) } } };
}

/** A new id as Stripe's: a prefix and random letters. */
export function stripeId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`;
}

/** The `metadata[…]` fields, of the object that `prefix` names. */
export function metadataOf(fields: URLSearchParams, prefix = 'metadata'): Record<string, string> {
  const entries = [...fields].flatMap(([name, value]) =>
    name.startsWith(`${prefix}[`) ? [[name.slice(prefix.length + 1, -1), value] as const] : [],
  );
  return Object.fromEntries(entries);
}
