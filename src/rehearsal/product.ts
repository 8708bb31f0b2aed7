import type { RehearsalOptions } from './options.ts';

/** From the creation of the product to the opening: buyers of a burst arrive up to two seconds early. */
const LEAD_MS = 2500;

const SERVER_TIME = '{ serverTime }';
const CREATE_PRODUCT = `mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) { id } }`;

/** A product and the opening of its sale. */
export interface Opening {
  readonly productId: string;
  /** As `performance.now()` counts. */
  readonly openingMs: number;
  /** By the database's clock. */
  readonly opensAt: Date;
}

/** Creates the product of a rehearsal; its sale opens after two and a half seconds. */
export async function openProduct(
  url: string,
  adminToken: string,
  { units, price, currency, quantity }: RehearsalOptions,
): Promise<Opening> {
  const askedAt = performance.now();
  const { serverTime } = await ask<{ serverTime: string }>(url, adminToken, SERVER_TIME, {});
  const answeredAt = performance.now();
  const opensAt = new Date(Date.parse(serverTime) + LEAD_MS);
  const input = {
    name: 'Rehearsed product',
    price,
    currency,
    totalStock: units,
    maxPerHold: quantity,
    saleStartsAt: opensAt.toISOString(),
  };
  const { createProduct } = await ask<{ createProduct: { id: string } }>(
    url,
    adminToken,
    CREATE_PRODUCT,
    { input },
  );
  // The server read the clock between the two moments.
  const openingMs = (askedAt + answeredAt) / 2 + LEAD_MS;
  return { productId: createProduct.id, openingMs, opensAt };
}

interface GraphqlAnswer<Data> {
  readonly data?: Data;
  readonly errors?: readonly { readonly message: string }[];
}

/** Executes one operation as an admin. @throws with the message of an error, for example of a wrong price */
async function ask<Data>(
  url: string,
  adminToken: string,
  query: string,
  variables: object,
): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminToken}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as GraphqlAnswer<Data>;
  if (errors !== undefined || data === undefined)
    throw new Error(errors?.[0]?.message ?? `HTTP ${response.status}`);
  return data;
}
