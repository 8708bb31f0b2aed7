import fc from 'fast-check';
import {
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  HOLD_QUERY,
  ORDER_QUERY,
  PRODUCT_QUERY,
  RELEASE_HOLD,
} from './graphql-client.ts';
import { HEAVY } from './heavy-documents.ts';

/** A hostile document and its description. */
export type HostileDocument = readonly [what: string, query: string];

const STOCK =
  'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { id availableStock } }';
const HOLD = 'subscription ($token: String!) { holdChanged(token: $token) { id status } }';

const times = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');

/** The same selection at the root of each kind of operation, for both endpoints. */
const wrapped = (what: string, onProduct: string, fragments = ''): HostileDocument[] => [
  [`${what} in a query`, `{ product(id: "0") { ${onProduct} } } ${fragments}`],
  [
    `${what} in a subscription`,
    `subscription { stockChanged(productIds: ["0"]) { ${onProduct} } } ${fragments}`,
  ],
];

const onRoots = (what: string, selection: string, fragment = ''): HostileDocument[] =>
  ['Query', 'Mutation', 'Subscription'].map((root) => [
    `${what} on ${root}`,
    `${root.toLowerCase()} { ${selection} } ${fragment.replaceAll('ROOT', root)}`,
  ]);

const depths = (): HostileDocument[] =>
  [11, 12, 13, 20, 50, 100, 200, 330].flatMap((levels) => [
    ...wrapped(
      `${levels} levels`,
      `price { ${'amount { '.repeat(levels)}${'}'.repeat(levels)} }`.replace('{ }', ''),
    ),
    [`${levels} levels of introspection`, `{ ${introspection(levels + 5)} }`] as const,
    [`${levels} levels beside introspection`, `{ serverTime ${introspection(levels)} }`] as const,
    [`${levels} levels of brackets`, `${'{a'.repeat(levels)}${'}'.repeat(levels)}`] as const,
    [
      `${levels} levels of a list`,
      `{ product(id: ${'['.repeat(levels)}${']'.repeat(levels)}) { id } }`,
    ] as const,
    [
      `${levels} levels of an object`,
      `{ product(id: ${'{a:'.repeat(levels)}1${'}'.repeat(levels)}) { id } }`,
    ] as const,
    [
      `${levels} levels of inline fragments`,
      `{ ${'... { '.repeat(levels)} __typename ${'}'.repeat(levels)} }`,
    ] as const,
  ]);

const introspection = (levels: number): string =>
  `__type(name: "Query") { fields { type { ${'ofType { '.repeat(levels - 4)} name ${' }'.repeat(levels - 4)} } } }`;

const aliases = (): HostileDocument[] =>
  [16, 17, 30, 60, 100, 240].flatMap((count) => [
    ...wrapped(
      `${count} aliases`,
      times(count, (n) => `a${n}: name`),
    ),
    ...wrapped(
      `${count} aliases of a type’s name`,
      times(count, (n) => `a${n}: __typename`),
    ),
    ...wrapped(
      `${count} aliases named __typename`,
      times(count, () => '__typename: __typename'),
    ),
    ...onRoots(
      `${count} aliases of the root’s name`,
      times(count, (n) => `a${n}: __typename`),
    ),
    ...onRoots(
      `${count} aliases in a fragment named __schema`,
      '...__schema',
      `fragment __schema on ROOT { ${times(count, (n) => `a${n}: __typename`)} }`,
    ),
    ...wrapped(
      `${count} aliases in fragments spread again`,
      '...f ...f ...f ...f',
      `fragment f on Product { ${times(Math.ceil(count / 4), (n) => `a${n}: name`)} }`,
    ),
  ]);

const fragments = (): HostileDocument[] =>
  [1, 2, 3, 10, 25, 40].flatMap((count) => [
    ...onRoots(
      `${count} fragments in a circle`,
      '...f0',
      times(count, (n) => `fragment f${n} on ROOT { ...f${(n + 1) % count} }`),
    ),
    ...wrapped(
      `${count} fragments that double`,
      '...f0',
      `${times(count, (n) => `fragment f${n} on Product { ...f${n + 1} ...f${n + 1} ...f${n + 1} }`)} fragment f${count} on Product { name price { amount } }`,
    ),
    ...wrapped(
      `${count * 30} spreads of one fragment`,
      '...f '.repeat(count * 30),
      'fragment f on Product { id ...on Product { name } }',
    ),
    ...wrapped(`a fragment that is not there ${count} times`, '...constructor '.repeat(count)),
    ...wrapped(
      `${count} unused fragments`,
      'id',
      times(count, (n) => `fragment f${n} on Product { id }`),
    ),
    ...wrapped(
      `${count} fragments that all spread each other`,
      '...f0',
      times(
        Math.min(count, 20),
        (n) => `fragment f${n} on Product { ${times(Math.min(count, 20), (m) => `...f${m}`)} }`,
      ),
    ),
  ]);

const directives = (): HostileDocument[] =>
  [1, 21, 22, 40, 100, 140].flatMap((count) => [
    ...wrapped(`${count} unknown directives`, `name ${'@bomb '.repeat(count)}`),
    ...wrapped(`${count} conditions without a condition`, `name ${'@skip '.repeat(count)}`),
    ...wrapped(`${count} conditions`, 'name @include(if: true) '.repeat(count)),
    ...wrapped(
      `${count} conditions at the spreads of one fragment`,
      '...f @include(if: true) '.repeat(count),
      'fragment f on Product { id }',
    ),
    ...wrapped(`${count} conditions at once`, `name ${'@skip(if: false) '.repeat(count)}`),
    ...onRoots(
      `${count} conditions at the root`,
      `__typename ${'@include(if: false) '.repeat(count)}`,
    ),
  ]);

/** For some of these the validation rules of graphql-js throw. */
const conditionalRoots = (): HostileDocument[] =>
  [
    '@skip',
    '@include',
    '@skip(if: 1)',
    '@skip(if: $no)',
    '@include(if: $b)',
    '@skip(if: true)',
    '@include(if: false)',
    '@skip(unless: true)',
    '@include @skip',
  ].flatMap((condition): HostileDocument[] => [
    [
      `a root that is subject to ${condition}`,
      `subscription ($b: Boolean!) { stockChanged(productIds: ["0"]) ${condition} { id } }`,
    ],
    [
      `a root fragment that is subject to ${condition}`,
      `subscription ($b: Boolean = true) { ...f ${condition} } fragment f on Subscription { stockChanged(productIds: ["0"]) { id } }`,
    ],
    [
      `a root inline fragment that is subject to ${condition}`,
      `subscription ($b: Boolean) { ... ${condition} { stockChanged(productIds: ["0"]) { id } } }`,
    ],
    [
      `an operation that is subject to ${condition}`,
      `subscription ($b: Boolean) ${condition} { stockChanged(productIds: ["0"]) { id } }`,
    ],
    [`a query that is subject to ${condition}`, `query ($b: Boolean!) { serverTime ${condition} }`],
    [
      `a mutation that is subject to ${condition}`,
      `mutation ($b: Boolean!) { releaseHold(token: "x") ${condition} { __typename } }`,
    ],
  ]);

const tokens = (): HostileDocument[] => [
  ...[1001, 1500, 3000, 5000].flatMap((count): HostileDocument[] => [
    [`${count} tokens`, `{ ${'id '.repeat(count)} }`],
    [
      `${count} tokens of a subscription`,
      `subscription { stockChanged(productIds: ["0"]) { ${'id '.repeat(count)} } }`,
    ],
    [`${count} commas and comments`, `{ serverTime ${',#\n'.repeat(count)} }`],
    [`a name of ${count} characters`, `{ ${'x'.repeat(count)} }`],
    [`a number of ${count} digits`, `{ products(first: ${'9'.repeat(count)}) { totalCount } }`],
    [`text of ${count} characters`, `{ product(id: "${'x'.repeat(count)}") { id } }`],
    [`block text of ${count} quotes`, `{ product(id: """${'\\"""'.repeat(count)}""") { id } }`],
    [
      `${count} fields that are one`,
      `{ products { nodes { ${'id '.repeat(Math.min(count, 960))} } } }`,
    ],
  ]),
  ...[11, 30, 100, 240].flatMap((count): HostileDocument[] => [
    [`${count} root fields`, `{ ${'serverTime '.repeat(count)} }`],
    [
      `${count} mutations`,
      `mutation { ${times(count, (n) => `m${n}: releaseHold(token: "x") { __typename }`)} }`,
    ],
    [
      `${count} subscriptions`,
      `subscription { ${times(count, (n) => `s${n}: stockChanged(productIds: ["0"]) { id }`)} }`,
    ],
    [`${count} operations`, times(count, (n) => `query q${n} { serverTime }`)],
    [`${count} anonymous operations`, '{ serverTime } '.repeat(count)],
    [`${count} variables`, `query (${times(count, (n) => `$v${n}: Int`)}) { serverTime }`],
    [`${count} variables of one name`, `query (${'$v: Int '.repeat(count)}) { serverTime }`],
    [`${count} unknown fields`, `{ ${times(count, (n) => `unknown${n}`)} }`],
    [`${count} unknown arguments`, `{ product(${times(count, (n) => `unknown${n}: 1`)}) { id } }`],
    [`${count} arguments of one name`, `{ product(${'id: "1" '.repeat(count)}) { id } }`],
    [
      `${count} fields that differ under one name`,
      `{ ${times(Math.min(count, 120), (n) => `product(id: "${n}") { id }`)} }`,
    ],
  ]),
];

/** Short documents, valid or nearly valid, that are expensive to validate, compile or execute. */
const heavy = (): HostileDocument[] =>
  [10, 11, 30, 90, 150].flatMap((count) =>
    HEAVY.map(([what, query]): HostileDocument => [
      `${count} ${what}`,
      query({ count, alias: `r${count}`, id: '0' }),
    ]),
  );

const oddities = (): HostileDocument[] => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'];
  return [
    ...names.flatMap((name): HostileDocument[] => [
      [`an alias ${name}`, `{ ${name}: serverTime }`],
      [`a field ${name}`, `{ ${name} }`],
      [`a field ${name} of a subscription`, `subscription { ${name} }`],
      [`an argument ${name}`, `{ product(id: "0", ${name}: 1) { id } }`],
      [
        `an input’s field ${name}`,
        `mutation { createHold(input: { productId: "0", ${name}: { polluted: true } }) { __typename } }`,
      ],
      [`a variable ${name}`, `query ($${name}: ID!) { product(id: $${name}) { id } }`],
      [`an operation ${name}`, `subscription ${name} { stockChanged(productIds: ["0"]) { id } }`],
      [`a fragment ${name}`, `{ ...${name} } fragment ${name} on Query { serverTime }`],
      [`a type ${name}`, `{ ... on ${name} { id } }`],
      [`a directive ${name}`, `{ serverTime @${name} }`],
      [`an enum’s value ${name}`, `{ products(saleStatus: ${name}) { totalCount } }`],
      [`a variable’s type ${name}`, `query ($v: ${name}) { product(id: $v) { id } }`],
    ]),
    ...[
      '',
      ' ',
      '{',
      '}',
      '{}',
      '#',
      '"',
      '"""',
      '\\',
      '\0',
      '\ufeff',
      '\ud800',
      '...',
      '@',
      '$',
      '!',
      '{ serverTime } }',
      'query',
      'fragment on on on { on }',
      'type Query { a: Int }',
      'extend schema @a',
      '{ serverTime } type A { a: Int }',
      'schema { query: Query }',
      'null',
      '{"query":"{ serverTime }"}',
      '{ __schema }',
      '{ __type }',
      '{ _entities(representations: []) }',
      '{ _service { sdl } }',
      'query ($a: Int = $a) { serverTime }',
      'query ($a: [[[[Int]]]]!) { serverTime }',
      '{ product(id: 1e400) { id } }',
      '{ product(id: "\\ud800") { id } }',
      '{ product(id: "\\u{110000}") { id } }',
      '{ products(first: -0) { totalCount } }',
      '{ node(id: "1") { id } }',
      '{ adminOrder { id } }',
      'subscription { stockChanged }',
      'subscription { stockChanged(productIds: "0") { id } }',
      'subscription { stockChanged(productIds: []) { id } }',
      'subscription { stockChanged(productIds: [null]) { id } }',
      'subscription { holdChanged(token: null) { id } }',
      'subscription { stockChange(productIds: ["0"]) { id } }',
      'subscription { a: stockChanged(productIds: ["0"]) { id } b: stockChanged(productIds: ["0"]) { id } }',
      'subscription { __typename }',
      'subscription { __schema { types { name } } }',
    ].map((query): HostileDocument => [`the document ${JSON.stringify(query)}`, query]),
  ];
};

/** Valid documents with a part removed, doubled or inserted. */
const mutilated = (count: number): HostileDocument[] => {
  const whole = [
    CREATE_HOLD,
    RELEASE_HOLD,
    CREATE_ORDER,
    CANCEL_ORDER,
    HOLD_QUERY,
    ORDER_QUERY,
    PRODUCT_QUERY,
    STOCK,
    HOLD,
    STOCK,
    HOLD,
  ];
  const pieces = [
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    '!',
    '$',
    ':',
    '=',
    '|',
    '&',
    '@',
    '...',
    '"',
    '"""',
    '#',
    ',',
    '\n',
    '\0',
    ' on ',
    ' query ',
    ' mutation ',
    ' subscription ',
    ' fragment f on Query ',
    ' true ',
    ' null ',
    ' 1e9 ',
    '__typename',
    '@skip(if: true)',
    'é',
    '\ud800',
  ];
  const mutilation = fc.record({
    query: fc.constantFrom(...whole),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(30),
    how: fc.constantFrom('out', 'double', 'in', 'swap'),
    piece: fc.constantFrom(...pieces),
  });
  return fc
    .sample(mutilation, { seed: 20261127, numRuns: count })
    .map(({ query, at, length, how, piece }) => {
      const from = Math.floor(at * query.length);
      const [before, cut, after] = [
        query.slice(0, from),
        query.slice(from, from + length),
        query.slice(from + length),
      ];
      const middle = { out: '', double: cut + cut, in: cut + piece, swap: piece }[how];
      return [`${how} at ${from} of ${query.slice(0, 24)}`, before + middle + after];
    });
};

/** Text that is no document. */
const noise = (count: number): HostileDocument[] =>
  fc
    .sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), { seed: 7, numRuns: count })
    .map((query) => [`the noise ${JSON.stringify(query)}`, query]);

/** All hostile documents, equal in every run. */
export function hostileDocuments(): HostileDocument[] {
  return [
    ...depths(),
    ...aliases(),
    ...fragments(),
    ...directives(),
    ...conditionalRoots(),
    ...tokens(),
    ...heavy(),
    ...oddities(),
    ...mutilated(400),
    ...noise(100),
  ];
}
