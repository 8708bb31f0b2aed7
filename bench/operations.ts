import type { GraphqlOperation, Operation } from './load.ts';
import { askAsAdmin, type BenchServer } from './server.ts';

/** A query without work: its cost is the lower bound of every other figure. */
export const EMPTY: Operation = {
  body: () => '{"query":"{ __typename }"}',
  outcome: (status, body) =>
    status === 200 && body.startsWith('{"data":{"__typename":"Query"}}') ? 'answered' : 'wrong',
  served: 'answered',
};

const PRODUCT = `query Product($id: ID!) { product(id: $id) { id name price { amount currency }
  availableStock heldStock soldStock stockStatus stockVersion saleStatus } }`;

/** The query of every page of the sale. */
export function productQuery(productId: string): GraphqlOperation {
  const body = JSON.stringify({ query: PRODUCT, variables: { id: productId } });
  const right = `{"data":{"product":{"id":"${productId}","name":`;
  return {
    body: () => body,
    outcome: (status, text) => (status === 200 && text.startsWith(right) ? 'answered' : 'wrong'),
    served: 'answered',
  };
}

const CREATE_HOLD = `mutation CreateHold($input: CreateHoldInput!) { createHold(input: $input) { __typename
  ... on Hold { token orderId quantity totalAmount { amount currency } status expiresAt remainingMs }
  ... on CheckoutError { code message retryable } } }`;

let buyersSoFar = 0;

/** Each request holds one unit for a new buyer, with idempotency key and customer: the full work of a hold. */
export function createHold(productId: string, refusals: readonly string[] = []): GraphqlOperation {
  const mark = '0123456789';
  const text = JSON.stringify({
    query: CREATE_HOLD,
    variables: {
      input: {
        productId,
        quantity: 1,
        customerId: `buyer ${mark}`,
        idempotencyKey: `key-of-buyer-${mark}`,
      },
    },
  });
  const parts = text.split(mark);
  return {
    body() {
      buyersSoFar += 1;
      return parts.join(String(buyersSoFar).padStart(mark.length, '0'));
    },
    outcome(status, body) {
      if (status === 503 && body.includes('"code":"OVERLOADED"')) return 'Busy';
      if (status !== 200) return 'wrong';
      return /^\{"data":\{"createHold":\{"__typename":"(\w+)"/.exec(body)?.[1] ?? 'wrong';
    },
    served: 'Hold',
    refusals,
  };
}

const CREATE_PRODUCT = `mutation CreateProduct($input: CreateProductInput!) { createProduct(input: $input) { id } }`;

/** Creates a product that is on sale; returns its id. */
export async function makeProduct(server: BenchServer, totalStock: number): Promise<string> {
  const { createProduct } = await askAsAdmin<{ createProduct: { id: string } }>(
    server,
    CREATE_PRODUCT,
    {
      input: {
        name: 'Hot product',
        price: '29.99',
        currency: 'USD',
        totalStock,
        maxPerHold: 10,
        maxPerCustomer: 10,
      },
    },
  );
  return createProduct.id;
}

interface Audit {
  readonly balanced: boolean;
  readonly total: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly findings: readonly string[];
}

const AUDIT = `query Audit($id: ID!) { stockAudit(productId: $id) { balanced total available held sold findings } }`;

/**
 * Audits a product on which one unit was moved at a time.
 *
 * @throws where rows, movements and counters disagree, or do not match the units that buyers hold and bought
 */
export async function audit(
  server: BenchServer,
  productId: string,
  held: number,
  sold = 0,
): Promise<void> {
  const { stockAudit } = await askAsAdmin<{ stockAudit: Audit }>(server, AUDIT, {
    id: productId,
  });
  const { balanced, total, available } = stockAudit;
  const isExact =
    stockAudit.held === held && stockAudit.sold === sold && available === total - held - sold;
  if (balanced && isExact && available >= 0) return;
  throw new Error(
    `Audit failed, the answers say ${held} held and ${sold} sold: ${JSON.stringify(stockAudit)}`,
  );
}

/** Reconciles stock, orders and payments of a server. @throws on a finding */
export async function reconcile(server: BenchServer): Promise<void> {
  const { reconcile: found } = await askAsAdmin<{ reconcile: { findings: readonly string[] } }>(
    server,
    'mutation { reconcile { findings } }',
  );
  if (found.findings.length > 0)
    throw new Error(`Reconciliation failed: ${found.findings.slice(0, 5).join(' ')}`);
}

/** The database's time, which decides every deadline. */
export async function serverTime(server: BenchServer): Promise<string> {
  return (await askAsAdmin<{ serverTime: string }>(server, '{ serverTime }')).serverTime;
}
