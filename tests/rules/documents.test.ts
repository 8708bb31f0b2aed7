import { buildSchema } from 'graphql';
import { Documents } from '../../src/edges/graphql/documents.ts';
import { doorRules } from '../../src/edges/graphql/limits.ts';

const schema = buildSchema(`
  type Query { now: Int }
  type Subscription { stockChanged(ids: [ID!]!): Product!  holdChanged: Product! }
  type Product { id: ID! name: String }`);

const newDocuments = () => new Documents(schema, doorRules({ introspection: true }));

const stock = (id: string) => `subscription { stockChanged(ids: ["${id}"]) { id name } }`;

test('a document that many ask for is parsed and checked once', () => {
  const documents = newDocuments();

  const [first, again] = [stock('1'), stock('1')].map((query) => documents.check({ query }));

  expect(first!.errors).toBeUndefined();
  expect((again as { document: object }).document).toBe((first as { document: object }).document);
});

test('a document in use outlives a flood of others, which are forgotten', () => {
  const documents = newDocuments();
  const documentOf = (id: string) =>
    (documents.check({ query: stock(id) }) as { document: object }).document;
  const used = documentOf('used');
  const once = documentOf('once');

  for (let id = 0; id < 2000; id += 1) {
    documentOf(String(id));
    if (id % 50 === 0) documentOf('used');
  }

  expect(documentOf('used')).toBe(used);
  expect(documentOf('once')).not.toBe(once);
});

test('long documents are forgotten sooner: all that are remembered together are 64 KiB', () => {
  const documents = newDocuments();
  const long = (id: number) =>
    `subscription { stockChanged(ids: ["${String(id).padStart(15_000, '0')}"]) { id } }`;
  const documentOf = (id: number) =>
    (documents.check({ query: long(id) }) as { document: object }).document;

  const [first, ...others] = [1, 2, 3, 4, 5].map(documentOf);
  const rememberedOthers = [2, 3, 4, 5].map(documentOf);
  const forgottenFirst = documentOf(1);

  expect(rememberedOthers.every((document, position) => document === others[position])).toBe(true);
  expect(forgottenFirst).not.toBe(first);
});

test('the operation counts anew each time, though the document is known', () => {
  const documents = newDocuments();
  const query = `query A { now } subscription B { holdChanged { id } }`;

  const asked = ['B', 'A', undefined, 'B'].map(
    (operationName) => documents.check({ query, operationName }).errors?.[0]?.extensions['code'],
  );

  expect(asked).toEqual([undefined, 'BAD_REQUEST', 'BAD_REQUEST', undefined]);
});

test.each([
  ['subscription { holdChanged @skip(if: true) { id } }'],
  ['subscription ($x: Boolean!) { holdChanged @include(if: $x) { id } }'],
  ['subscription { ... @skip(if: false) { holdChanged { id } } }'],
  [
    'subscription { ...A } fragment A on Subscription { ...B @include(if: true) } fragment B on Subscription { holdChanged { id } }',
  ],
])('what is subscribed to depends on nothing: %s is refused', (query) => {
  const { errors } = newDocuments().check({ query });

  // The second says that no other rule was asked.
  expect(errors).toMatchObject([
    {
      message: 'What is subscribed to must not depend on @skip or @include.',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    },
    { message: 'Validation aborted.' },
  ]);
});

test('below what is subscribed to, fields may be left out', () => {
  const query = `subscription ($x: Boolean!) { ...A } fragment A on Subscription { holdChanged { id name @skip(if: $x) } }`;

  expect(newDocuments().check({ query }).errors).toBeUndefined();
});
