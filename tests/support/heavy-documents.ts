/** The parameters of a heavy document. */
export interface HeavyParts {
  /** How many repetitions; past 10 the limits refuse most of them. */
  readonly count: number;
  /** A new alias makes a document that is not in the server's cache. */
  readonly alias: string;
  readonly id: string;
}

/** Builds a document that costs the server much more than the sender. */
export type Heavy = readonly [what: string, query: (parts: HeavyParts) => string];

const INNER = 'name price { amount currency }';

const FIELDS: readonly string[] =
  'id name description totalStock availableStock heldStock soldStock stockStatus stockVersion saleStatus'.split(
    ' ',
  );

const times = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');

/** A tenth of the count, for selections that are repeated ten times each. */
const tenth = (count: number): number => Math.ceil(count / 10);

/** A product under the alias, with this selection. */
const product = ({ alias, id }: HeavyParts, selection: string): string =>
  `${alias}: product(id: "${id}") { ${selection} }`;

/** Documents that repeat a part, for both endpoints, each within 1,000 tokens. */
export const HEAVY: readonly Heavy[] = [
  [
    'repetitions under an alias',
    (parts) => `{ ${product(parts, `${INNER} `.repeat(parts.count))} }`,
  ],
  [
    'repetitions in a subscription',
    ({ count, alias, id }) =>
      `subscription { ${alias}: stockChanged(productIds: ["${id}"]) { ${`${INNER} `.repeat(count)} } }`,
  ],
  [
    'repetitions in inline fragments',
    (parts) => `{ ${product(parts, `... { ${INNER} } `.repeat(Math.min(parts.count, 90)))} }`,
  ],
  [
    'repetitions in a fragment',
    (parts) =>
      `{ ${product(parts, '...f '.repeat(tenth(parts.count)))} } fragment f on Product { ${`${INNER} `.repeat(10)} }`,
  ],
  [
    'repetitions in fragments of their own',
    (parts) => {
      const count = Math.min(parts.count, 60);
      const fragments = times(count, (n) => `fragment f${n} on Product { price { amount } }`);
      return `{ ${product(
        parts,
        times(count, (n) => `...f${n}`),
      )} } ${fragments}`;
    },
  ],
  [
    'fragments of different fields',
    (parts) => {
      const count = Math.min(parts.count, 60);
      const fragments = times(count, (n) => `fragment f${n} on Product { ${FIELDS[n % 10]!} }`);
      return `{ ${product(
        parts,
        times(count, (n) => `...f${n}`),
      )} } ${fragments}`;
    },
  ],
  [
    'repetitions below repetitions',
    (parts) => `{ ${`${product(parts, `${INNER} `.repeat(tenth(parts.count)))} `.repeat(10)} }`,
  ],
  [
    'repetitions in a list',
    ({ count, alias }) =>
      `{ ${alias}: products(first: 100) { nodes { ${`${INNER} `.repeat(count)} } } }`,
  ],
  [
    'repetitions of a list',
    ({ count, alias }) =>
      `{ ${alias}: products(first: 100) { ${`nodes { ${INNER} } `.repeat(Math.min(count, 90))} } }`,
  ],
  [
    'fields of lists under aliases',
    ({ count, alias }) =>
      `{ ${times(10, (n) => `${alias}${n}: products(first: 100) { nodes { ${FIELDS.slice(0, tenth(count)).join(' ')} } }`)} }`,
  ],
  [
    'heavy arguments',
    ({ count, alias }) =>
      `{ ${`${alias}: product(id: "${'\\n'.repeat(count * 10)}") { id } `.repeat(10)} }`,
  ],
  [
    'lists as arguments',
    ({ count, alias, id }) =>
      `subscription { ${`${alias}: stockChanged(productIds: [${`"${id}" `.repeat(Math.min(count, 80))}]) { id } `.repeat(10)} }`,
  ],
  [
    'comments',
    ({ count, alias, id }) =>
      `{ ${alias}: product(id: "${id}") { id } } ${'#\n'.repeat(count * 30)}`,
  ],
];

/** A cached document with variables that cost the server more than the sender. */
export type HeavyVariables = readonly [
  what: string,
  request: { readonly query: string; readonly variables: unknown },
];

const HOLD = 'mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename } }';
const STOCK = 'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { id } }';
const SALES =
  'query ($status: SaleStatus) { products(first: 1, saleStatus: $status) { totalCount } }';
const PRODUCT =
  'mutation ($input: CreateProductInput!) { createProduct(input: $input) { __typename } }';

const wide = (keys: number, value: unknown = 1): object =>
  Object.fromEntries(Array.from({ length: keys }, (_, n) => [`k${n}`, value]));

const long = (characters: number): string => '9'.repeat(characters);

/** Variables of about this many bytes that a limit or their type refuses. */
export const heavyVariables = (bytes: number): readonly HeavyVariables[] => [
  ['a wide object', { query: HOLD, variables: { input: wide(bytes / 10) } }],
  ['a wide object for a list', { query: STOCK, variables: { ids: wide(bytes / 10) } }],
  ['wide variables', { query: STOCK, variables: wide(bytes / 10) }],
  [
    'wide objects in a list',
    { query: STOCK, variables: { ids: Array.from({ length: 99 }, () => wide(bytes / 1000)) } },
  ],
  [
    'a wide list',
    { query: STOCK, variables: { ids: Array.from({ length: bytes / 5 }, () => 0.5) } },
  ],
  ['a wide list for an object', { query: HOLD, variables: { input: [wide(bytes / 10)] } }],
  [
    'wide objects below a wide object',
    { query: HOLD, variables: { input: wide(99, wide(bytes / 1000)) } },
  ],
  ['a long name', { query: HOLD, variables: { input: { [long(bytes)]: 1 } } }],
  ['a hundred long names', { query: HOLD, variables: { input: longNames(bytes) } }],
  ['a long text', { query: HOLD, variables: { input: { productId: '0', quantity: long(bytes) } } }],
  ['a long id', { query: STOCK, variables: { ids: [long(bytes)] } }],
  ['a long value of an enum', { query: SALES, variables: { status: long(bytes) } }],
  ['a long decimal', { query: PRODUCT, variables: { input: { price: long(bytes) } } }],
  ['a long date', { query: PRODUCT, variables: { input: { saleStartsAt: long(bytes) } } }],
];

/** A hundred unknown names with this total of bytes. */
function longNames(bytes: number): object {
  return Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`k${n}${long(bytes / 120)}`, 1]),
  );
}
