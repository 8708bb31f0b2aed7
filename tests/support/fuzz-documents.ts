import {
  getNamedType,
  getNullableType,
  GraphQLBoolean,
  GraphQLNonNull,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  OperationTypeNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import type { SeededRandom } from '../../src/lib/seeded-random.ts';
import { literalOf, type FuzzValues } from './fuzz-values.ts';

const { QUERY, MUTATION, SUBSCRIPTION } = OperationTypeNode;

/** A variable of a document, and the first position of its value. */
export interface Declared {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly place: string;
}

/** A document of one operation or several, without values for its variables. */
export interface FuzzDocument {
  readonly query: string;
  readonly operations: readonly string[];
  readonly variables: readonly Declared[];
}

/** A document that the schema allows, sometimes with a wrong literal value. */
export function fuzzDocument(
  schema: GraphQLSchema,
  random: SeededRandom,
  values: FuzzValues,
): FuzzDocument {
  const count = random.chance(0.1) ? 2 : 1;
  const written = Array.from({ length: count }, (_, n) =>
    new FuzzOperation({ schema, random, values, name: `Q${n}` }).write(),
  );
  return {
    query: written.map(({ query }) => query).join('\n'),
    operations: written.flatMap(({ operations }) => operations),
    variables: written.flatMap(({ variables }) => variables),
  };
}

/** The state while an operation is written. */
interface Making {
  readonly schema: GraphQLSchema;
  readonly random: SeededRandom;
  readonly values: FuzzValues;
  readonly name: string;
}

/** Writes one operation with fragments that only this operation spreads. */
class FuzzOperation {
  readonly #schema: GraphQLSchema;
  readonly #random: SeededRandom;
  readonly #values: FuzzValues;
  readonly #name: string;
  readonly #variables: (Declared & { readonly text: string })[] = [];
  readonly #fragments: { readonly name: string; readonly on: string; readonly text: string }[] = [];
  #aliases = 0;

  constructor({ schema, random, values, name }: Making) {
    this.#schema = schema;
    this.#random = random;
    this.#values = values;
    this.#name = name;
  }

  write(): FuzzDocument {
    const kind = this.#random.pick([QUERY, QUERY, QUERY, MUTATION, MUTATION, SUBSCRIPTION]);
    const root = this.#schema.getRootType(kind)!;
    const roots: readonly [number, number] = kind === QUERY ? [1, 3] : [1, 1];
    const isBare = this.#random.chance(0.1);
    const fields = this.#random.some(roots, () =>
      this.#field(this.#random.pick(Object.values(root.getFields())), 5),
    );
    const selection = this.#random.chance(0.1)
      ? `{ ${this.#spread(root.name, `{ ${fields.join(' ')} }`)} }`
      : `{ ${fields.join(' ')} }`;
    const variables = this.#variables.map(({ text }) => text).join(', ');
    const name = isBare && this.#name === 'Q0' ? '' : this.#name;
    const head = `${kind} ${name}${variables && `(${variables})`}`;
    const fragments = this.#fragments.map(
      (fragment) => `fragment ${fragment.name} on ${fragment.on} ${fragment.text}`,
    );
    return {
      query: [`${head} ${selection}`, ...fragments].join('\n'),
      operations: [name],
      variables: this.#variables,
    };
  }

  #field({ name, args, type }: GraphQLField<unknown, unknown>, depth: number): string {
    // A field with arguments gets a unique alias, so that it never conflicts with other arguments.
    const alias = args.length > 0 || this.#random.chance(0.1) ? `a${(this.#aliases += 1)}: ` : '';
    const given = args
      .filter((arg) => isRequiredArgument(arg) || this.#random.chance(0.4))
      .map((arg) => `${arg.name}: ${this.#value(arg.type, `${name}.${arg.name}`)}`);
    const inBrackets = given.length > 0 ? `(${given.join(', ')})` : '';
    const named = getNamedType(type);
    const inner = isCompositeType(named) ? ` ${this.#selection(named, depth - 1)}` : '';
    return `${alias}${name}${inBrackets}${this.#condition()}${inner}`;
  }

  #selection(type: GraphQLCompositeType, depth: number): string {
    return `{ ${this.#random.some([1, 4], () => this.#part(type, depth)).join(' ')} }`;
  }

  #part(type: GraphQLCompositeType, depth: number): string {
    if (this.#random.chance(0.1)) return '__typename';
    if (isUnionType(type)) return depth > 0 ? this.#fragment(type, depth - 1) : '__typename';
    if (depth > 0 && this.#random.chance(0.15)) return this.#fragment(type, depth - 1);
    const fields = Object.values(type.getFields()).filter(
      (field) => depth > 0 || !isCompositeType(getNamedType(field.type)),
    );
    // Some types have objects only.
    if (fields.length === 0) return '__typename';
    return this.#field(this.#random.pick(fields), depth);
  }

  /** An inline fragment on one of the possible types. */
  #fragment(type: GraphQLCompositeType, depth: number): string {
    const on = this.#random.pick([type, ...this.#typesBeside(type)]);
    const inner = this.#selection(on, depth);
    const condition = this.#condition();
    if (this.#random.chance(0.3)) return `${this.#spread(on.name, inner)}${condition}`;
    const ofType = on === type && this.#random.chance(0.5) ? '' : ` on ${on.name}`;
    return `...${ofType}${condition} ${inner}`;
  }

  /** Writes a selection as a fragment, or reuses an earlier fragment of the same type. */
  #spread(on: string, text: string): string {
    const known = this.#fragments.filter((fragment) => fragment.on === on);
    if (known.length > 0 && this.#random.chance(0.5)) return `...${this.#random.pick(known).name}`;
    const name = `${this.#name}F${this.#fragments.length}`;
    this.#fragments.push({ name, on, text });
    return `...${name}`;
  }

  /** The types that overlap with this type. */
  #typesBeside(type: GraphQLCompositeType): readonly GraphQLCompositeType[] {
    if (isObjectType(type)) return type.getInterfaces();
    const possible = this.#schema.getPossibleTypes(type);
    const isBeside = (other: GraphQLNamedType): other is GraphQLCompositeType =>
      isAbstractType(other) &&
      other !== type &&
      this.#schema.getPossibleTypes(other).some((one) => possible.includes(one));
    return [...possible, ...possible, ...Object.values(this.#schema.getTypeMap()).filter(isBeside)];
  }

  #condition(): string {
    if (!this.#random.chance(0.06)) return '';
    const name = this.#random.pick(['include', 'skip']);
    return ` @${name}(if: ${this.#value(new GraphQLNonNull(GraphQLBoolean), `${name}.if`)})`;
  }

  /** A value as a literal, as a variable, or as a literal with variables inside. */
  #value(type: GraphQLInputType, place: string): string {
    if (this.#random.chance(0.35)) return `$${this.#variable(type, place)}`;
    const nullable = getNullableType(type);
    if (isLeafType(nullable) || this.#random.chance(0.1)) return this.#literal(type, place);
    if (isListType(nullable))
      return `[${this.#random.some([1, 3], () => this.#value(nullable.ofType, place)).join(', ')}]`;
    const fields = Object.values(nullable.getFields())
      .filter((field) => isRequiredInputField(field) || this.#random.chance(0.4))
      .map(({ name, type: of }) => `${name}: ${this.#value(of, `${nullable.name}.${name}`)}`);
    return `{ ${fields.join(', ')} }`;
  }

  #literal(type: GraphQLInputType, place: string): string {
    const literal = literalOf(this.#values.of(type, place), type);
    return literal.startsWith('"') && this.#random.chance(0.1) ? `""${literal}""` : literal;
  }

  /** A variable of the position's type, or of its nullable or non-null variant. */
  #variable(type: GraphQLInputType, place: string): string {
    const nullable = getNullableType(type);
    const known = this.#variables.find(
      (one) => one.place === place && getNullableType(one.type) === nullable,
    );
    if (known !== undefined && this.#random.chance(0.5)) return known.name;
    const declared = this.#random.pick([type, type, type, nullable, new GraphQLNonNull(nullable)]);
    const name = `${this.#name.toLowerCase()}v${this.#variables.length}`;
    const otherwise = this.#random.chance(0.2) ? ` = ${this.#literal(declared, place)}` : '';
    const text = `$${name}: ${String(declared)}${otherwise}`;
    this.#variables.push({ name, type: declared, place, text });
    return name;
  }
}
