import type { Operation } from './client.ts';

const REFUSAL = '... on CheckoutError { code }';

const byStatus = (result: Readonly<Record<string, unknown>>): string => String(result['status']);

const operation = (query: string, variables: object, says = byStatus): Operation => ({
  query,
  variables,
  says,
});

const CREATE_HOLD = `mutation ($input: CreateHoldInput!) { createHold(input: $input) {
  __typename ${REFUSAL} ... on Hold { id token orderId status expiresAt } } }`;

/** Creates a hold. */
export const createHold = (input: {
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
  readonly key: string;
}): Operation => {
  const { productId, quantity, customerId, key: idempotencyKey } = input;
  return operation(CREATE_HOLD, {
    input: { productId: String(productId), quantity, customerId, idempotencyKey },
  });
};

const FINAL = '... on OrderFinal { order { status } }';

const OF_TOKEN = {
  readHold: 'query ($token: String!) { hold(token: $token) { id status } }',
  readOrder: 'query ($token: String!) { order(holdToken: $token) { id status } }',
  releaseHold: `mutation ($token: String!) { releaseHold(token: $token) {
    __typename ${REFUSAL} ... on Hold { id status } } }`,
  createOrder: `mutation ($token: String!) { createOrder(holdToken: $token) {
    __typename ${REFUSAL} ... on Order { id status paymentExpiresAt } } }`,
  cancelOrder: `mutation ($token: String!) { cancelOrder(holdToken: $token) {
    __typename ${REFUSAL} ${FINAL} ... on Order { id status } } }`,
} as const;

/** An operation of the buyer who has the token. */
export const ofToken = (kind: keyof typeof OF_TOKEN, token: string): Operation =>
  operation(OF_TOKEN[kind], { token });

const ADMIN_CANCEL = `mutation ($orderId: ID!, $restock: Boolean!) {
  adminCancelOrder(orderId: $orderId, reason: "Torture", restock: $restock) {
    __typename ${REFUSAL} ${FINAL} ... on Order { id status } } }`;

/** Cancels an order permanently. */
export const adminCancelOrder = (orderId: string, restock: boolean): Operation =>
  operation(ADMIN_CANCEL, { orderId, restock });

const ADJUST = `mutation ($input: AdjustStockInput!) { adjustStock(input: $input) {
  __typename ${REFUSAL} ... on Product { id } } }`;

/** Changes the units of a product for sale. */
export const adjustStock = (productId: number, delta: number, idempotencyKey: string): Operation =>
  operation(
    ADJUST,
    { input: { productId: String(productId), delta, reason: 'Torture', idempotencyKey } },
    () => 'adjusted',
  );

const REPLAY = `mutation ($id: ID!) { replayPaymentEvent(id: $id) {
  __typename ${REFUSAL} ... on PaymentEvent { id status } } }`;

/** Settles a parked event once more. */
export const replayEvent = (id: string): Operation => operation(REPLAY, { id });

const RESOLVE = `mutation ($id: ID!, $note: String!) { resolveRefund(id: $id, note: $note) {
  __typename ${REFUSAL} ... on Refund { id status } } }`;

/** Marks a refund as paid back. */
export const resolveRefund = (id: string, note: string): Operation =>
  operation(RESOLVE, { id, note });

/** Compares everything while the run goes on. */
export const RECONCILE = operation(
  'mutation { reconcile { balanced findings } }',
  {},
  ({ balanced, findings }) => (balanced === true ? 'balanced' : JSON.stringify(findings)),
);

/** The events of an order, which have ids. */
export const EVENTS =
  'query ($orderId: ID!) { paymentEvents(orderId: $orderId) { nodes { id idempotencyKey } } }';

/** Some open refunds. */
export const OPEN_REFUNDS = '{ refunds(status: OPEN, first: 5) { nodes { id } } }';

/** Creates a product of the run. */
export const CREATE_PRODUCT =
  'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }';
