import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';
import { Field, ObjectType } from 'type-graphql';
import { decimalText, type Money } from '../../../lib/money.ts';
import type { Metadata as Notes } from '../../../shop/purchases/metadata.rules.ts';

/** A time of the database's clock in UTC, ISO 8601. */
export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTimeISO.toConfig(),
  name: 'DateTime',
  description: 'A time of the database’s clock in UTC, ISO 8601: "2026-11-27T18:00:00.000Z".',
});

function parseDecimal(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new GraphQLError('A Decimal is a string, never a float: "29.99".');
}

/** Exact decimal text. The number of digits is checked later, where the currency is known. */
export const Decimal = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description: 'Exact decimal number as a string, never a float: "29.99".',
  serialize: (value) => String(value),
  parseValue: parseDecimal,
  parseLiteral: (node) => parseDecimal(node.kind === Kind.STRING ? node.value : undefined),
});

function parseMetadata(value: unknown): Notes {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isObject && Object.values(value).every((note) => typeof note === 'string'))
    return value as Notes;
  throw new GraphQLError('Metadata is a flat object of strings: { "gift": "yes" }.');
}

/** A flat object of strings. How many and how long is checked with the input, where a field is named. */
export const Metadata = new GraphQLScalarType<Notes, Notes>({
  name: 'Metadata',
  description: 'A flat object of strings.',
  serialize: parseMetadata,
  parseValue: parseMetadata,
  // Without the variables: a document is validated before they are known. $metadata as a whole works.
  parseLiteral: (node) => parseMetadata(valueFromASTUntyped(node)),
});

/** Money as the API shows it. */
@ObjectType('Money', { description: 'An exact amount in one currency.' })
export class MoneyType {
  @Field(() => Decimal, {
    description: 'Exact decimal in the currency\'s own number of digits: "29.99", "1500" for JPY.',
  })
  declare amount: string;

  @Field(() => String, { description: 'ISO 4217 code.' })
  declare currency: string;
}

/** Money of the shop as the API shows it. */
export function moneyOf(money: Money): MoneyType {
  return { amount: decimalText(money), currency: money.currency };
}
