import { buildSchema, getIntrospectionQuery, parse, type SelectionSetNode } from 'graphql';
import { Expansion } from '../../src/server/graphql/http/expansion.ts';
import { documentErrors, variablesError } from '../../src/server/graphql/http/limits.ts';

const schema = buildSchema(`
  type Query { product(id: ID): Product!  products(first: Int): Products! }
  type Products { nodes: [Product!]! }
  type Product { id: ID! name: String! price: Money! similar: [Product!]! }
  type Money { amount: String! currency: String! }`);

const times = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');

/** The messages of a document's errors. */
function complaints(query: string, introspection = false): string[] {
  return documentErrors(schema, parse(query), { introspection }).map(({ message }) => message);
}

const TOO_MANY = ['The document has more than 300 fields.'];
const tooOften = (name: string) => [
  `The name "${name}" occurs more than 10 times in one selection set.`,
];

/** Products under aliases, each with this selection. */
const products = (count: number, inner: string): string =>
  times(count, (n) => `${'abcdefghij'[n]!}: product { ${inner} }`);

/** 29 fields, no name more than ten times. */
const FIELDS = `${'id name '.repeat(10)} ${'price { amount } '.repeat(4)} __typename`;

describe('at most 300 fields in a document', () => {
  test.each<[string, (inner: string) => string]>([
    ['written out', (inner) => `{ ${products(10, inner)} }`],
    [
      'in a fragment, each spread counted',
      (inner) => `{ ${products(10, '...f')} } fragment f on Product { ${inner} }`,
    ],
    ['in inline fragments', (inner) => `{ ${products(10, `... { ... { ${inner} } }`)} }`],
  ])('%s', (_how, query) => {
    expect(complaints(query(FIELDS))).toEqual([]);
    expect(complaints(query(`${FIELDS} __typename`))).toEqual(TOO_MANY);
  });

  test('the fields of all operations of a document count', () => {
    const half = products(10, FIELDS);
    const whole = (name: string) => `query ${name} { ${half} }`;

    expect(complaints(whole('A'))).toEqual([]);
    expect(complaints(`query A { ...f } query B { ...f } fragment f on Query { ${half} }`)).toEqual(
      TOO_MANY,
    );
  });

  test('an unused fragment counts as well', () => {
    const query = `{ product { id } } fragment f on Query { ${products(10, '...g ...g')} } fragment g on Product { ${FIELDS} }`;

    expect(complaints(query)).toEqual(TOO_MANY);
  });
});

describe('at most 6,000 fields in an answer', () => {
  const LARGE = ['The answer could have more than 6000 fields: ask for fewer rows.'];
  /** Ten lists, each with six fields a row. */
  const lists = (first: string): string =>
    times(
      10,
      (n) =>
        `${'abcdefghij'[n]!}: products(first: ${first}) { nodes { id name price { amount currency } } }`,
    );

  test.each<[string, (first: number) => string]>([
    ['in lists under aliases', (first) => `{ ${lists(`${first}`)} }`],
    [
      'in rows under aliases',
      (first) =>
        `{ products(first: ${first}) { ${times(10, (n) => `${'abcdefghij'[n]!}: nodes { id name price { amount currency } }`)} } }`,
    ],
    ['in fragments', (first) => `{ ...f } fragment f on Query { ${lists(`${first}`)} }`],
  ])('%s', (_how, query) => {
    expect(complaints(query(99))).toEqual([]);
    expect(complaints(query(100))).toEqual(LARGE);
  });

  test('a variable, and more rows than a list gives, count as 100 rows', () => {
    expect(complaints(`query ($n: Int) { ${lists('$n')} }`)).toEqual(LARGE);
    expect(complaints(`{ ${lists('1000000')} }`)).toEqual(LARGE);
    expect(complaints('query ($n: Int) { products(first: $n) { nodes { id name } } }')).toEqual([]);
  });

  test('a page of 100 rows with 60 fields passes, and ten lists of the default length', () => {
    const inner = 'id name __typename price { amount currency } '.repeat(10);

    expect(complaints(`{ products(first: 100) { nodes { ${inner} } } }`)).toEqual([]);
    expect(
      complaints(
        `{ ${times(10, (n) => `${'abcdefghij'[n]!}: products { nodes { ${'id name '.repeat(10)} } }`)} }`,
      ),
    ).toEqual([]);
  });
});

describe('one response name occurs at most 10 times in a selection set', () => {
  test.each<[string, (count: number) => string, string]>([
    ['side by side', (n) => `{ product { ${'name '.repeat(n)} } }`, 'name'],
    ['under an alias', (n) => `{ product { ${times(n, () => 'a: name')} } }`, 'a'],
    ['in inline fragments', (n) => `{ product { ${'... { name } '.repeat(n)} } }`, 'name'],
    [
      'in nested inline fragments',
      (n) => `{ product { ${'... { ... on Product { name } } '.repeat(n)} } }`,
      'name',
    ],
    [
      'in a fragment spread again',
      (n) => `{ product { ${'...f '.repeat(n)} } } fragment f on Product { name }`,
      'name',
    ],
    [
      'in fragments of fragments',
      (n) =>
        `{ product { ${'...f '.repeat(n)} } } fragment f on Product { ...g } fragment g on Product { name }`,
      'name',
    ],
    [
      'in different fragments',
      (n) =>
        `{ product { ${times(n, (m) => `...f${m}`)} } } ${times(n, (m) => `fragment f${m} on Product { name }`)}`,
      'name',
    ],
    ['in a list', (n) => `{ products { nodes { ${'name '.repeat(n)} } } }`, 'name'],
    ['as lists', (n) => `{ products { ${'nodes { id } '.repeat(n)} } }`, 'nodes'],
    [
      'in sub-selections that merge',
      (n) =>
        `{ product { ${times(5, () => 'price { amount }')} } product { ${times(n - 5, () => 'price { amount }')} } }`,
      'price',
    ],
    [
      'in sub-selections that merge through a fragment',
      (n) =>
        `{ ...f product { ${times(n - 5, () => 'price { amount }')} } } fragment f on Query { product { ${times(5, () => 'price { amount }')} } }`,
      'price',
    ],
    [
      'below sub-selections that merge',
      (n) =>
        `{ product { price { ${'amount '.repeat(5)} } } product { price { ${'amount '.repeat(n - 5)} } } }`,
      'amount',
    ],
    [
      'in a fragment that nothing spreads',
      (n) => `fragment f on Product { ${'name '.repeat(n)} } { product { id ...f } }`,
      'name',
    ],
  ])('%s', (_how, query, name) => {
    expect(complaints(query(10))).toEqual([]);
    expect(complaints(query(11))).toEqual(tooOften(name));
  });

  test('the same name in ten selection sets that do not merge passes', () => {
    expect(complaints(`{ ${products(10, 'name name price { amount }')} }`)).toEqual([]);
  });
});

describe('counting is linear in the document', () => {
  const doubling = (count: number, leaf: string) =>
    `${times(count, (n) => `fragment f${n} on Product { ...f${n + 1} ...f${n + 1} }`)} fragment f${count} on Product { ${leaf} }`;

  test.each<[string, string]>([
    ['fragments that double 60 times', `{ product { ...f0 } } ${doubling(60, 'id')}`],
    ['fragments without fields that double', `{ product { ...f0 } } ${doubling(60, '...none')}`],
    ['fragments that double and nothing spreads', `{ product { id } } ${doubling(60, '...none')}`],
    [
      'fragments that all spread each other',
      `{ product { ...f0 } } ${times(20, (n) => `fragment f${n} on Product { ${times(20, (m) => `...f${m}`)} id }`)}`,
    ],
    [
      'a circle of fragments that nothing spreads',
      `{ product { id } } ${times(60, (n) => `fragment f${n} on Product { ...f${(n + 1) % 60} }`)}`,
    ],
    [
      'operations that all spread the same fragments',
      `${times(40, (n) => `query q${n} { product { ...f0 } }`)} ${doubling(20, 'id')}`,
    ],
    [
      'fragments of one name',
      `{ product { ...f } } ${times(90, () => 'fragment f on Product { id ...f }')}`,
    ],
  ])('%s: each selection set is read once', (_what, query) => {
    const document = parse(query, { maxTokens: 1000 });
    let sets = 0;
    let reads = 0;
    JSON.stringify(document, (key, value: unknown) => {
      if (key === 'selectionSet' && value !== undefined) {
        const set = value as SelectionSetNode;
        const { selections } = set;
        sets += 1;
        Object.defineProperty(set, 'selections', { get: () => ((reads += 1), selections) });
      }
      return value;
    });

    reads = 0;
    new Expansion(document);

    expect(reads).toBe(sets);
    expect(complaints(query)).not.toEqual([]);
  });
});

describe('introspection', () => {
  test.each([
    ['the standard query', getIntrospectionQuery()],
    [
      'the standard query with everything optional',
      getIntrospectionQuery({
        schemaDescription: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        inputValueDeprecation: true,
        oneOf: true,
        experimentalDirectiveDeprecation: false,
      }),
    ],
  ])('%s passes where introspection is on, and is refused where it is off', (_what, query) => {
    expect(complaints(query, true)).toEqual([]);
    expect(complaints(query, false).join()).toMatch(/introspection/i);
  });

  test('without introspection an error suggests no valid name', () => {
    expect(complaints('{ produkt { id } }', true).join()).toMatch(/Did you mean/);
    expect(complaints('{ produkt { id } }', false)).toEqual([
      'Cannot query field "produkt" on type "Query".',
    ]);
  });
});

describe('variables', () => {
  const nested = (levels: number, open: string, close: string): unknown =>
    JSON.parse(`{"v":${open.repeat(levels)}1${close.repeat(levels)}}`);

  test.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
    ['lists of objects', '[{"a":[', ']}]'],
  ])('%s nested thousands deep are refused, and a few levels pass', (_what, open, close) => {
    expect(variablesError(nested(60_000 / open.length, open, close))).toBe(
      'The variables are nested more than 20 levels deep.',
    );
    expect(variablesError(nested(6, open, close))).toBeUndefined();
  });

  test.each([[undefined], [null], [{}], [{ a: null }], ['text'], [[1, 2]]])(
    '%j is no nesting',
    (variables) => {
      expect(variablesError(variables)).toBeUndefined();
    },
  );
});
