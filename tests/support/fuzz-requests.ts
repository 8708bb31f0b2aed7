import {
  isEnumType,
  isInputObjectType,
  isNonNullType,
  isObjectType,
  type GraphQLSchema,
} from 'graphql';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { fuzzDocument, type FuzzDocument } from './fuzz-documents.ts';
import { FuzzValues, type Words } from './fuzz-values.ts';

/** One operation for HTTP or websocket, and whether it carries the admin token. */
export interface FuzzRequest {
  readonly isAdmin: boolean;
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Readonly<Record<string, unknown>> | null;
  readonly extensions?: Readonly<Record<string, unknown>> | null;
}

/** How often a value is wrong in a request that may have wrong ones; with more, none reaches a resolver. */
const WRONG = 0.08;

/** The number of requests after which new favourite documents are chosen. */
const SEASON = 1000;

/**
 * An endless sequence of requests, equal for equal seeds except for the words. These are read when they
 * are needed, so that requests can use ids of earlier answers. A third of the requests use one of a few
 * documents, each often enough to be compiled; a quarter have a syntax error or another defect.
 */
export function* fuzzRequests(
  schema: GraphQLSchema,
  words: Words,
  seed: number,
): Generator<FuzzRequest, never> {
  const random = new SeededRandom(seed);
  const pieces = [...PIECES, ...namesIn(schema)];
  const right = new FuzzValues(random, words, 0);
  const spoilt = new FuzzValues(random, words, WRONG);
  let favourites: readonly FuzzDocument[] = [];
  for (let count = 0; ; count += 1) {
    if (count % SEASON === 0)
      favourites = random.some([10, 10], () => fuzzDocument(schema, random, right));
    const values = random.chance(0.5) ? right : spoilt;
    const isFavourite = random.chance(1 / 3);
    const document = isFavourite ? random.pick(favourites) : fuzzDocument(schema, random, values);
    const request = requestOf(document, random, values);
    const isBroken = !isFavourite && random.chance(0.4);
    yield isBroken ? { ...request, query: mangled(request.query, random, pieces) } : request;
  }
}

/** A request for the document, with values for its variables and sometimes further members. */
function requestOf(
  { query, operations, variables }: FuzzDocument,
  random: SeededRandom,
  values: FuzzValues,
): FuzzRequest {
  const given = variables
    .filter(({ type }) => !random.chance(isNonNullType(type) ? 0.03 : 0.2))
    .map(({ name, type, place }) => [name, values.of(type, place)]);
  const needsName = operations.length > 1;
  return {
    isAdmin: random.chance(0.75),
    query,
    ...((needsName || random.chance(0.3)) && {
      operationName: random.chance(0.9) ? random.pick(operations) : random.pick(NO_OPERATIONS),
    }),
    ...((given.length > 0 || random.chance(0.1)) && {
      variables: random.chance(0.02) ? null : Object.fromEntries(given),
    }),
    ...(random.chance(0.1) && { extensions: random.pick(EXTENSIONS) }),
  };
}

const NO_OPERATIONS = [null, '', 'Q7', 'Q0F0', '__proto__', 'constructor', 'é', '{ serverTime }'];

const EXTENSIONS = [
  null,
  {},
  { tracing: { version: 1 } },
  { constructor: { prototype: { polluted: true } } },
  JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>,
];

/** One token of a document, valid or not. */
const TOKEN = /"""[^]*?"""|"(?:\\.|[^"\\\n])*"|#.*|\.{3}|[$@]?\w+|\S/gu;

/** Names, variables, directives, numbers and texts: a token of one kind for another often still parses. */
const KINDS = [/^[a-z_]\w*$/i, /^\$/, /^@/, /^-?\d/, /^"/];

const kindOf = (token: string): number => KINDS.findIndex((kind) => kind.test(token));

/** The document with one or two tokens removed, doubled, swapped, replaced or inserted. */
function mangled(query: string, random: SeededRandom, pieces: readonly string[]): string {
  const tokens = query.match(TOKEN)!;
  for (let left = random.pick([1, 1, 2]); left > 0 && tokens.length > 0; left -= 1) {
    const at = random.below(tokens.length);
    const other = random.below(tokens.length);
    const [one, another] = [tokens[at]!, tokens[other]!];
    const replace = (by: string): void => void tokens.splice(at, 1, by);
    const sameWay = (): void =>
      replace(random.pick(pieces.filter((piece) => kindOf(piece) === kindOf(one))));
    random.pick([
      sameWay,
      sameWay,
      sameWay,
      () => replace(another),
      () => replace(random.pick(pieces)),
      () => tokens.splice(at, 1),
      () => tokens.splice(at, 0, one),
      () => tokens.splice(at, 0, random.pick(pieces)),
      () => (([tokens[at], tokens[other]] = [another, one]), tokens),
      () => tokens.push(random.pick(DEFINITIONS)),
    ])();
  }
  return tokens.join(' ');
}

/** Valid and invalid tokens to insert. */
const PIECES: readonly string[] = [
  ...'{ } ( ) [ ] ! $ : = | & @ ... , "" """ " # % \\ \0 \ufeff \u00a0 \u2028 \u202e \ud800 𝄞 é'.split(
    ' ',
  ),
  ...'query mutation subscription fragment on true false null type input extend schema'.split(' '),
  ...'0 -0 -1 01 1. .1 1.5 1e2 1e400 2147483647 2147483648 -2147483649 0x1 1_000 NaN'.split(' '),
  '9'.repeat(400),
  'x'.repeat(400),
  '# a comment\n',
  '"text"',
  '"\\ud800"',
  '"\\u{1f600}"',
  '"\\x"',
  '"""\n  a block\n   of \\""" text\n"""',
  '$q0v0',
  '$q0v1',
  '$unknown',
  '$__proto__',
  '...Q0F0',
  '...Q0F1',
  '...Unknown',
  '...constructor',
  '... @include(if: false) { __typename }',
  '@skip(if: true)',
  '@skip(if: $q0v0)',
  '@include(if: "true")',
  '@deprecated',
  '@specifiedBy(url: "x")',
  '@defer',
  '@stream(initialCount: 1)',
  '@unknown(a: { b: [1, $q0v0] })',
  '__typename',
  '__schema { types { name } }',
  '__type(name: "Hold") { name }',
];

/** Valid and invalid definitions to append. */
const DEFINITIONS: readonly string[] = [
  '{ __typename }',
  'query Q0 { __typename }',
  'query Q7 { serverTime }',
  'query ($q0v0: Int, $q0v0: Int) { __typename }',
  'subscription Q8 { stockChanged(productIds: ["1"]) { id } }',
  'subscription { __typename }',
  'mutation Q9 { createHold(input: { productId: "1" }) { __typename } }',
  'fragment Idle on Product { id }',
  'fragment Q0F0 on Product { ...Q0F0 }',
  'fragment Q0F0 on Order { ...Q0F1 } fragment Q0F1 on Order { ...Q0F0 }',
  'fragment Odd on String { length }',
  'fragment Odd on Unknown { a }',
  'type Query { a: Int }',
  'extend type Query { a: Int }',
  'scalar DateTime',
  'directive @a on FIELD',
];

/** Every name in the schema: types, fields, arguments and enum values. */
function namesIn(schema: GraphQLSchema): string[] {
  const types = Object.values(schema.getTypeMap());
  const inside = types.flatMap((type) => {
    if (isEnumType(type)) return type.getValues().map(({ name }) => name);
    if (isObjectType(type)) {
      return Object.values(type.getFields()).flatMap(({ name, args }) => [
        name,
        ...args.map((arg) => arg.name),
      ]);
    }
    return isInputObjectType(type) ? Object.keys(type.getFields()) : [];
  });
  return [...new Set([...types.map(({ name }) => name), ...inside])];
}
