import type { Answer } from './client.ts';

/** The fields of all answers below that a buyer reads. */
export interface Content {
  readonly code?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
  readonly opensInMs?: number | null;
  readonly stockStatus?: string;
  readonly token?: string;
  readonly orderId?: string;
  readonly remainingMs?: number;
  readonly totalAmount?: { readonly amount: string };
  readonly status?: string;
  readonly refunds?: readonly { readonly reason: string }[];
  /** Of a payment. */
  readonly outcome?: string;
  readonly order_status?: string | null;
  readonly error?: string;
}

/** An answer in the words of a recording, with its content. */
export interface Read {
  /** `ok`, or a code, or why there is no answer. */
  readonly outcome: string;
  /** Whether the same request may have another answer in a moment. */
  readonly mayRepeat: boolean;
  /** The root field; empty without one. */
  readonly content: Content;
}

const REFUSED = `... on CheckoutError { code message retryable }
  ... on Busy { retryAfterMs } ... on SaleNotOpen { opensInMs } ... on InsufficientStock { stockStatus }`;

const bodyOf = (query: string, variables: object): string => JSON.stringify({ query, variables });

const PRODUCT = `query Product($id: ID!) { product(id: $id) { id name price { amount currency }
  availableStock stockStatus stockVersion saleStatus } }`;

/** The query of the product's page. */
export const productBody = (id: string): string => bodyOf(PRODUCT, { id });

const CREATE_HOLD = `mutation CreateHold($input: CreateHoldInput!) { createHold(input: $input) { __typename
  ... on Hold { token orderId remainingMs totalAmount { amount currency } } ${REFUSED} } }`;

/** A hold of a buyer. */
export interface HoldInput {
  readonly productId: string;
  readonly quantity: number;
  readonly customerId: string;
  readonly idempotencyKey: string;
}

/** Creates a hold. */
export const holdBody = (input: HoldInput): string => bodyOf(CREATE_HOLD, { input });

const CREATE_ORDER = `mutation CreateOrder($token: String!) { createOrder(holdToken: $token) { __typename
  ... on Order { id status remainingMs } ... on CheckoutError { code message retryable } ... on Busy { retryAfterMs } } }`;

/** Creates the order of a hold. */
export const orderBody = (token: string): string => bodyOf(CREATE_ORDER, { token });

const ORDER = `query Order($token: String!) { order(holdToken: $token) { status refunds { reason } } }`;

/** Reads the order of a hold. */
export const orderQueryBody = (token: string): string => bodyOf(ORDER, { token });

interface GraphqlBody {
  readonly data?: Readonly<Record<string, Content | null>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string };
  }[];
}

const REPEATED = ['BUSY', 'OVERLOADED', 'RATE_LIMITED'];

/** Reads the answer to one of the requests above. */
export function readGraphql(answer: Answer): Read {
  if (answer.kind === 'lost') return { outcome: answer.reason, mayRepeat: true, content: {} };
  const { data, errors } = parsed<GraphqlBody>(answer.body);
  const [error] = errors ?? [];
  if (error !== undefined || data == null) return readFault(answer.status, error);
  const content = Object.values(data)[0] ?? {};
  const { code } = content;
  if (code === undefined) return { outcome: 'ok', mayRepeat: false, content };
  return { outcome: code, mayRepeat: REPEATED.includes(code), content };
}

function readFault(status: number, error: NonNullable<GraphqlBody['errors']>[0] | undefined): Read {
  const outcome = error?.extensions?.code ?? `HTTP ${status}`;
  const mayRepeat = REPEATED.includes(outcome) || status >= 500;
  return { outcome, mayRepeat, content: { message: error?.message } };
}

/** Reads the answer to a payment. */
export function readDelivery(answer: Answer): Read {
  if (answer.kind === 'lost') return { outcome: answer.reason, mayRepeat: true, content: {} };
  const content = parsed<Content>(answer.body);
  const { outcome, error } = content;
  return {
    outcome: outcome ?? error ?? `HTTP ${answer.status}`,
    // A provider repeats a delivery until it is answered with 2xx.
    mayRepeat: answer.status >= 300,
    content,
  };
}

/** The JSON of a body; a body without JSON, as a proxy sends it, reads as an empty answer. */
function parsed<Kind extends object>(body: string): Kind {
  try {
    return JSON.parse(body) as Kind;
  } catch {
    return {} as Kind;
  }
}
