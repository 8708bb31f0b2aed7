import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildSchema } from 'graphql';
import { BUDGET, Documents } from '../../src/server/graphql/http/documents.ts';
import { WorkBudget } from '../../src/server/graphql/http/work-budget.ts';

const schema = buildSchema(`
  type Query { now: Int }
  type Subscription { stockChanged(ids: [ID!]!): Product!  holdChanged: Product! }
  type Product { id: ID! name: String }`);

/** A cache whose work budget never delays, and refuses nothing because a busy machine is slow. */
const newDocuments = () =>
  new Documents({
    schema,
    introspection: true,
    budget: new WorkBudget({ ...BUDGET, share: 1e9, busyShare: 1e9, waitMaxMs: 60_000 }),
  });

const stock = (id: string) => `subscription { stockChanged(ids: ["${id}"]) { id name } }`;

/** The parsed document. */
async function documentOf(documents: Documents, query: string): Promise<object> {
  const checked = await documents.check(query);
  if (checked.errors !== undefined) throw checked.errors[0]!;
  return checked.document;
}

/** Bytes on the heap that are still referenced. */
function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('a document of many simultaneous requests is parsed and validated once', async () => {
  const documents = newDocuments();

  const asked = await Promise.all(
    Array.from({ length: 100 }, () => documentOf(documents, stock('1'))),
  );

  expect(new Set(asked).size).toBe(1);
  expect(documents.check(stock('1'))).toEqual({ document: asked[0] });
});

test('the errors of an invalid document are cached as well', async () => {
  const documents = newDocuments();

  const first = await documents.check('{ nothing }');

  expect(first.errors).toHaveLength(1);
  expect(documents.check('{ nothing }')).toBe(first);
});

test('a document in use stays cached during a flood of others, which are evicted', async () => {
  const documents = newDocuments();
  const used = await documentOf(documents, stock('used'));
  const once = await documentOf(documents, stock('once'));

  for (let id = 0; id < 2000; id += 1) {
    await documentOf(documents, stock(String(id)));
    if (id % 50 === 0) await documentOf(documents, stock('used'));
  }

  expect(await documentOf(documents, stock('used'))).toBe(used);
  expect(await documentOf(documents, stock('once'))).not.toBe(once);
});

test('a thousand tiny documents of one caller do not refuse or delay a document of another', async () => {
  const documents = newDocuments();
  let checked = 0;
  const flood = Array.from({ length: BUDGET.waitingMax }, async (_, n) => {
    const { errors } = await documents.check(`{ a${n}: now }`, { address: 'flood' });
    checked += errors === undefined ? 1 : 0;
  });

  const app = await documents.check(stock('app'), { address: 'app' });
  const checkedBefore = checked;
  await Promise.all(flood);

  expect(app).toEqual({ document: expect.anything() });
  expect(checkedBefore).toBeLessThanOrEqual(1);
  expect(checked).toBe(BUDGET.waitingMax - 1);
});

test('a document that a flooding caller also sends is validated in the turn of another caller', async () => {
  const documents = newDocuments();
  let checked = 0;
  const flood = Array.from({ length: BUDGET.waitingMax - 1 }, async (_, n) => {
    await documents.check(`{ a${n}: now }`, { address: 'flood' });
    checked += 1;
  });
  void documents.check(stock('app'), { address: 'flood' });

  await documents.check(stock('app'), { address: 'app' });
  const checkedBefore = checked;
  await Promise.all(flood);

  expect(checkedBefore).toBeLessThanOrEqual(1);
});

const LONG: readonly (readonly [string, (n: number) => string])[] = [
  ['tokens', (n) => `{ a${n}: now ${'now '.repeat(36)} ...f } fragment f on Query { now }`],
  ['a comment', (n) => `{ now } # ${n} ${'x'.repeat(60_000)}`],
  ['comments', (n) => `{ now } ${'#\n'.repeat(5000)} # ${n}`],
  ['a text', (n) => `subscription { stockChanged(ids: ["${n}${'x'.repeat(60_000)}"]) { id } }`],
  ['white space', (n) => `{ now } ${' \n'.repeat(30_000)} # ${n}`],
  ['errors', (n) => `{ ${Array.from({ length: 9 }, (_, m) => `none${n}_${m}`).join(' ')} }`],
  ['no end', (n) => `{ now${n} ${'x'.repeat(60_000)}`],
];

test.each(LONG)(
  'hundreds of documents, long by %s, leave memory unchanged',
  async (_what, query) => {
    const documents = newDocuments();
    await documents.check(query(0));
    const before = heapAfterCollection();

    for (let n = 1; n <= 400; n += 1) await documents.check(query(n));

    expect(heapAfterCollection() - before).toBeLessThan(9 * 1024 * 1024);
    expect(documents.check(stock('1'))).toBeInstanceOf(Promise);
  },
  60_000,
);

test.each([
  ['subscription { holdChanged @skip(if: true) { id } }'],
  ['subscription ($x: Boolean!) { holdChanged @include(if: $x) { id } }'],
  ['subscription { ... @skip(if: false) { holdChanged { id } } }'],
  [
    'subscription { ...A } fragment A on Subscription { ...B @include(if: true) } fragment B on Subscription { holdChanged { id } }',
  ],
])('the root field of a subscription may not be conditional: %s is refused', async (query) => {
  const { errors } = await newDocuments().check(query);

  // The second assertion shows that no other rule ran.
  expect(errors).toMatchObject([
    {
      message: 'The root field of a subscription must not have @skip or @include.',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    },
    { message: 'Validation aborted.' },
  ]);
});

test('fields below the root field of a subscription may be conditional', async () => {
  const query = `subscription ($x: Boolean!) { ...A } fragment A on Subscription { holdChanged { id name @skip(if: $x) } }`;

  expect(await newDocuments().check(query)).toMatchObject({ document: {} });
});

test.each([
  [
    'the last contains itself',
    'subscription { ...A } fragment A on Subscription { holdChanged @skip(if: true) { id } } fragment A on Hold { ...A }',
  ],
  [
    'the first contains itself',
    'query { ...A } fragment A on Query { ...A } fragment A on Query { now }',
  ],
  [
    'none contains itself',
    'query { ...A } fragment A on Query { now } fragment A on Query { now }',
  ],
])('two fragments of one name are refused: %s', async (_which, query) => {
  const { errors } = await newDocuments().check(query);

  expect(errors?.map(({ message }) => message)).toContainEqual(
    'There can be only one fragment named "A".',
  );
});
