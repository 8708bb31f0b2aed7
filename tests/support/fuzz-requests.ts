import {
  isEnumType,
  isInputObjectType,
  isNonNullType,
  isObjectType,
  type GraphQLSchema,
} from 'graphql';
import { Dice } from './dice.ts';
import { fuzzDocument, type FuzzDocument } from './fuzz-documents.ts';
import { FuzzValues, type Words } from './fuzz-values.ts';

/** One operation as either door takes it, and whether the operator sends it. */
export interface FuzzRequest {
  readonly isOperator: boolean;
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Readonly<Record<string, unknown>> | null;
  readonly extensions?: Readonly<Record<string, unknown>> | null;
}

/** How often a value is wrong in a request that may have wrong ones; more, and none gets far. */
const WRONG = 0.08;

/** So many requests in a row know the same favourite documents. */
const SEASON = 1000;

/**
 * Requests without end, the same ones for the same seed, but for the words: these are read when they
 * are needed, so that what was answered can be asked for. A third of the requests have one of a few
 * documents in them, each so often that the server compiles it; a quarter are broken somewhere.
 */
export function* fuzzRequests(
  schema: GraphQLSchema,
  words: Words,
  seed: number,
): Generator<FuzzRequest, never> {
  const dice = new Dice(seed);
  const pieces = [...PIECES, ...namesIn(schema)];
  const right = new FuzzValues(dice, words, 0);
  const spoilt = new FuzzValues(dice, words, WRONG);
  let favourites: readonly FuzzDocument[] = [];
  for (let count = 0; ; count += 1) {
    if (count % SEASON === 0)
      favourites = dice.some([10, 10], () => fuzzDocument(schema, dice, right));
    const values = dice.chance(0.5) ? right : spoilt;
    const isFavourite = dice.chance(1 / 3);
    const document = isFavourite ? dice.pick(favourites) : fuzzDocument(schema, dice, values);
    const request = requestOf(document, dice, values);
    const isBroken = !isFavourite && dice.chance(0.4);
    yield isBroken ? { ...request, query: mangled(request.query, dice, pieces) } : request;
  }
}

/** The document with values for its variables, and with what else a request may carry. */
function requestOf(
  { query, operations, variables }: FuzzDocument,
  dice: Dice,
  values: FuzzValues,
): FuzzRequest {
  const given = variables
    .filter(({ type }) => !dice.chance(isNonNullType(type) ? 0.03 : 0.2))
    .map(({ name, type, place }) => [name, values.of(type, place)]);
  const needsName = operations.length > 1;
  return {
    isOperator: dice.chance(0.75),
    query,
    ...((needsName || dice.chance(0.3)) && {
      operationName: dice.chance(0.9) ? dice.pick(operations) : dice.pick(NO_OPERATIONS),
    }),
    ...((given.length > 0 || dice.chance(0.1)) && {
      variables: dice.chance(0.02) ? null : Object.fromEntries(given),
    }),
    ...(dice.chance(0.1) && { extensions: dice.pick(EXTENSIONS) }),
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

/** One token of a document, and all that could be one. */
const TOKEN = /"""[^]*?"""|"(?:\\.|[^"\\\n])*"|#.*|\.{3}|[$@]?\w+|\S/gu;

/** Names, variables, directives, numbers and texts: a token of one kind for another often still parses. */
const KINDS = [/^[a-z_]\w*$/i, /^\$/, /^@/, /^-?\d/, /^"/];

const kindOf = (token: string): number => KINDS.findIndex((kind) => kind.test(token));

/** The document with a token or two gone, doubled, swapped, or others in or beside their place. */
function mangled(query: string, dice: Dice, pieces: readonly string[]): string {
  const tokens = query.match(TOKEN)!;
  for (let left = dice.pick([1, 1, 2]); left > 0 && tokens.length > 0; left -= 1) {
    const at = dice.below(tokens.length);
    const other = dice.below(tokens.length);
    const [one, another] = [tokens[at]!, tokens[other]!];
    const replace = (by: string): void => void tokens.splice(at, 1, by);
    const alike = (): void =>
      replace(dice.pick(pieces.filter((piece) => kindOf(piece) === kindOf(one))));
    dice.pick([
      alike,
      alike,
      alike,
      () => replace(another),
      () => replace(dice.pick(pieces)),
      () => tokens.splice(at, 1),
      () => tokens.splice(at, 0, one),
      () => tokens.splice(at, 0, dice.pick(pieces)),
      () => (([tokens[at], tokens[other]] = [another, one]), tokens),
      () => tokens.push(dice.pick(DEFINITIONS)),
    ])();
  }
  return tokens.join(' ');
}

/** What may be written between two tokens, rightly or not. */
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
  '$nobody',
  '$__proto__',
  '...Q0F0',
  '...Q0F1',
  '...Nobody',
  '...constructor',
  '... @include(if: false) { __typename }',
  '@skip(if: true)',
  '@skip(if: $q0v0)',
  '@include(if: "true")',
  '@deprecated',
  '@specifiedBy(url: "x")',
  '@defer',
  '@stream(initialCount: 1)',
  '@nobody(a: { b: [1, $q0v0] })',
  '__typename',
  '__schema { types { name } }',
  '__type(name: "Hold") { name }',
];

/** What may stand after a document's last definition, rightly or not. */
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
  'fragment Odd on Nobody { a }',
  'type Query { a: Int }',
  'extend type Query { a: Int }',
  'scalar DateTime',
  'directive @a on FIELD',
];

/** Every name in the schema: of types, fields, arguments and words. */
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
