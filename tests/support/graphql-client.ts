import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { ADMIN_TOKEN } from './server.ts';

/** An error of a GraphQL answer. */
export interface ApiError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly [more: string]: unknown };
}

/** The answer to an operation. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The unparsed body. */
  readonly text: string;
  // Each test defines the shape of its query, so a type would only repeat it.
  // oxlint-disable-next-line no-explicit-any
  readonly data: any;
  readonly errors: readonly ApiError[] | undefined;
}

/** Headers with the admin token. */
export const AS_ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** Sends one operation by POST and returns the whole answer. */
export async function send(
  url: string,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as Pick<GraphqlAnswer, 'data' | 'errors'>;
  return { status: response.status, headers: response.headers, text, data, errors };
}

/** Sends one operation that must succeed, and returns its first root field. */
export async function ask(
  url: string,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
  // oxlint-disable-next-line no-explicit-any
): Promise<any> {
  const { data, errors, status } = await send(url, query, variables, headers);
  if (errors !== undefined || status !== 200)
    throw new Error(`HTTP ${status}: ${JSON.stringify(errors)}`);
  return Object.values(data as object)[0];
}

/** A request that is sent byte for byte; fetch would normalise it. */
export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

/** The answer to a raw request. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a request unchanged: neither path nor body is normalised. */
export function sendRaw(
  url: string,
  { method = 'POST', path = '/graphql', headers = {}, body = '' }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ hostname, port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Every field of CheckoutError, for any result. */
export const REFUSAL = '... on CheckoutError { code message retryable }';

/** All fields of a hold except its relations. */
export const HOLD = `id token quantity status remainingMs orderId createdAt expiresAt
  unitPrice { amount currency } totalAmount { amount currency }`;

/** All fields of an order except its product. */
export const ORDER = `id quantity status remainingMs paymentId createdAt paymentExpiresAt paidAt updatedAt
  unitPrice { amount currency } totalAmount { amount currency }
  refunds { id orderId paymentId reason status createdAt resolvedAt amount { amount currency } }`;

export const CREATE_HOLD = `mutation ($input: CreateHoldInput!) { createHold(input: $input) {
  __typename ${REFUSAL} ... on Hold { ${HOLD} }
  ... on InsufficientStock { availableStock stockStatus }
  ... on SaleNotOpen { saleStatus startsAt endsAt opensInMs }
  ... on PurchaseLimitExceeded { limit remaining }
  ... on Busy { retryAfterMs } } }`;

export const RELEASE_HOLD = `mutation ($token: String!) { releaseHold(token: $token) {
  __typename ${REFUSAL} ... on Hold { ${HOLD} } ... on HoldNotActive { status } ... on Busy { retryAfterMs } } }`;

export const CREATE_ORDER = `mutation ($token: String!) { createOrder(holdToken: $token) {
  __typename ${REFUSAL} ... on Order { ${ORDER} } ... on HoldNotActive { holdStatus: status }
  ... on Busy { retryAfterMs } } }`;

export const CANCEL_ORDER = `mutation ($token: String!) { cancelOrder(holdToken: $token) {
  __typename ${REFUSAL} ... on Order { ${ORDER} } ... on OrderFinal { order { ${ORDER} } }
  ... on Busy { retryAfterMs } } }`;

export const HOLD_QUERY = `query ($token: String!) { hold(token: $token) { ${HOLD}
  order { id status } product { id name } } }`;

export const ORDER_QUERY = `query ($token: String!) { order(holdToken: $token) { ${ORDER} product { id } } }`;

export const PRODUCT_QUERY = `query ($id: ID!) { product(id: $id) { id name description
  price { amount currency } totalStock availableStock heldStock soldStock stockStatus stockVersion
  saleStatus saleStartsAt saleEndsAt maxPerHold maxPerCustomer createdAt updatedAt } }`;
