import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  type GraphQLInputType,
} from 'graphql';
import type { SeededRandom } from '../../src/lib/seeded-random.ts';
import { INJECTIONS, OF_ANY_TYPE } from './hostile-values.ts';

/** Valid values by position: `product.id`, `CreateHoldInput.productId`, or any `productId`. */
export type Words = Readonly<Record<string, readonly unknown[]>>;

const INT_MAX = 2_147_483_647;

/** Values that are valid for every shop, by position or type: usual ones first, then extreme ones. */
const ANYWHERE: Words = {
  first: [20, 1, 2, 100],
  quantity: [1, 2, 10, INT_MAX],
  totalStock: [1000, 5, 0, INT_MAX],
  maxPerHold: [10, 1, 100, 0, INT_MAX],
  maxPerCustomer: [10, 1, 0, INT_MAX],
  price: ['1500', '29.99', '0', '0.001', '.5', ...[13, 14, 20].map((n) => '9'.repeat(n))],
  currency: ['USD', 'JPY', 'KWD', 'usd', 'XXX'],
  saleStartsAt: ['2020-02-29T23:59:59.999+14:00', '0001-01-01T00:00:00Z', '2099-01-01T00:00:00Z'],
  provider: ['demo', 'stripe', 'x'],
  from: ['2026-11-30T00:00:00Z'],
  to: ['2026-11-30T00:10:00Z', '2026-11-30T00:00:01Z', '9999-12-31T23:59:59.999Z'],
  saleEndsAt: ['9999-12-31T23:59:59.999Z', '2099-01-01T00:00:00Z', '2026-11-01T00:00:00Z'],
  url: ['http://127.0.0.1:9/events', 'https://example.org', 'ftp://example.org', 'x'],
  customerId: ['one', 'another', 'x'.repeat(128)],
  idempotencyKey: ['0123456789abcdef', 'fedcba9876543210', '~'.repeat(128)],
  DateTime: ['2026-11-30T00:00:00Z', '1999-12-31T23:59:59.999+14:00', '2099-01-01T00:00:00Z'],
  Metadata: [{}, { gift: 'yes' }, { '__proto__.x': '' }],
  Int: [1, 2, 100, 0, -1, INT_MAX, -INT_MAX - 1],
  String: ['a word', 'ünïcödé 𝄞', 'two\nlines', '', 'x'.repeat(200), 'a\0b', '\ud800'],
  imageUrl: ['https://example.org/a.png', 'http://example.org', 'x'],
  Float: [1, 0.5, 3600, 86_400_000, 0, -1],
  Boolean: [true, false],
  ID: ['1', '999', 1],
};

/** Values of a wrong type, or out of range; all shorter than the limit of a socket. */
const WRONG: readonly unknown[] = [
  ...OF_ANY_TYPE,
  ...INJECTIONS.filter(({ length }) => length < 500),
  'live',
  '1',
  '1.0',
  '29.99 ',
  29.99,
  '2026-11-27',
];

/** Generates JSON values for positions in the schema, most of them valid. */
export class FuzzValues {
  readonly #random: SeededRandom;
  readonly #words: Words;
  readonly #wrong: number;

  /** @param wrong how often a value is wrong, 0 to 1 */
  constructor(random: SeededRandom, words: Words, wrong: number) {
    this.#random = random;
    this.#words = words;
    this.#wrong = wrong;
  }

  /** A value of this type for this position. */
  of(type: GraphQLInputType, place: string): unknown {
    if (this.#random.chance(this.#wrong)) return this.#random.pick(WRONG);
    if (!isNonNullType(type) && this.#random.chance(0.1)) return null;
    const nullable = getNullableType(type);
    if (isListType(nullable))
      return this.#random.some([1, 3], () => this.of(nullable.ofType, place));
    if (!isInputObjectType(nullable)) return this.#fitting(type, place);
    const fields = Object.values(nullable.getFields()).filter(
      (field) => isRequiredInputField(field) || this.#random.chance(0.4),
    );
    return Object.fromEntries(
      fields.map((field) => [field.name, this.of(field.type, `${nullable.name}.${field.name}`)]),
    );
  }

  #fitting(type: GraphQLInputType, place: string): unknown {
    const named = getNamedType(type);
    if (isEnumType(named)) return this.#random.pick(named.getValues()).name;
    const name = place.split('.').at(-1)!;
    const known = this.#words[place] ?? this.#words[name];
    if (known !== undefined) return this.#random.pick(known);
    const fitting = ANYWHERE[name] ?? ANYWHERE[named.name]!;
    return this.#random.chance(0.6) ? fitting[0] : this.#random.pick(fitting);
  }
}

/** A JSON value as a GraphQL literal; enum values have no quotes. */
export function literalOf(value: unknown, type: GraphQLInputType): string {
  if (Array.isArray(value)) return `[${value.map((item) => literalOf(item, type)).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, item]) => `${name}: ${literalOf(item, type)}`);
    return `{ ${fields.join(' ')} }`;
  }
  if (typeof value === 'string' && isEnumType(getNamedType(type)) && /^[a-z]\w*$/i.test(value))
    return value;
  return JSON.stringify(value);
}
