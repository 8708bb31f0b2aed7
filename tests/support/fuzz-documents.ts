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
import type { Dice } from './dice.ts';
import { literalOf, type FuzzValues } from './fuzz-values.ts';

const { QUERY, MUTATION, SUBSCRIPTION } = OperationTypeNode;

/** A variable as a document declares it, and where its value goes first. */
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

/** Any document that the schema allows, now and then with a wrong value written into it. */
export function fuzzDocument(schema: GraphQLSchema, dice: Dice, values: FuzzValues): FuzzDocument {
  const count = dice.chance(0.1) ? 2 : 1;
  const written = Array.from({ length: count }, (_, n) =>
    new FuzzOperation({ schema, dice, values, name: `Q${n}` }).write(),
  );
  return {
    query: written.map(({ query }) => query).join('\n'),
    operations: written.flatMap(({ operations }) => operations),
    variables: written.flatMap(({ variables }) => variables),
  };
}

/** What an operation is written from. */
interface Making {
  readonly schema: GraphQLSchema;
  readonly dice: Dice;
  readonly values: FuzzValues;
  readonly name: string;
}

/** Writes one operation with the fragments that it spreads; no other operation spreads them. */
class FuzzOperation {
  readonly #schema: GraphQLSchema;
  readonly #dice: Dice;
  readonly #values: FuzzValues;
  readonly #name: string;
  readonly #variables: (Declared & { readonly text: string })[] = [];
  readonly #fragments: { readonly name: string; readonly on: string; readonly text: string }[] = [];
  #aliases = 0;

  constructor({ schema, dice, values, name }: Making) {
    this.#schema = schema;
    this.#dice = dice;
    this.#values = values;
    this.#name = name;
  }

  write(): FuzzDocument {
    const kind = this.#dice.pick([QUERY, QUERY, QUERY, MUTATION, MUTATION, SUBSCRIPTION]);
    const root = this.#schema.getRootType(kind)!;
    const roots: readonly [number, number] = kind === QUERY ? [1, 3] : [1, 1];
    const isBare = this.#dice.chance(0.1);
    const fields = this.#dice.some(roots, () =>
      this.#field(this.#dice.pick(Object.values(root.getFields())), 5),
    );
    const selection = this.#dice.chance(0.1)
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
    // What is asked with arguments gets a name of its own, so that it never meets itself with others.
    const alias = args.length > 0 || this.#dice.chance(0.1) ? `a${(this.#aliases += 1)}: ` : '';
    const given = args
      .filter((arg) => isRequiredArgument(arg) || this.#dice.chance(0.4))
      .map((arg) => `${arg.name}: ${this.#value(arg.type, `${name}.${arg.name}`)}`);
    const inBrackets = given.length > 0 ? `(${given.join(', ')})` : '';
    const named = getNamedType(type);
    const inner = isCompositeType(named) ? ` ${this.#selection(named, depth - 1)}` : '';
    return `${alias}${name}${inBrackets}${this.#condition()}${inner}`;
  }

  #selection(type: GraphQLCompositeType, depth: number): string {
    return `{ ${this.#dice.some([1, 4], () => this.#part(type, depth)).join(' ')} }`;
  }

  #part(type: GraphQLCompositeType, depth: number): string {
    if (this.#dice.chance(0.1)) return '__typename';
    if (isUnionType(type)) return depth > 0 ? this.#fragment(type, depth - 1) : '__typename';
    if (depth > 0 && this.#dice.chance(0.15)) return this.#fragment(type, depth - 1);
    const fields = Object.values(type.getFields()).filter(
      (field) => depth > 0 || !isCompositeType(getNamedType(field.type)),
    );
    return this.#field(this.#dice.pick(fields), depth);
  }

  /** Some of a value, where it is of a type that it may be. */
  #fragment(type: GraphQLCompositeType, depth: number): string {
    const on = this.#dice.pick([type, ...this.#typesBeside(type)]);
    const inner = this.#selection(on, depth);
    const condition = this.#condition();
    if (this.#dice.chance(0.3)) return `${this.#spread(on.name, inner)}${condition}`;
    const ofType = on === type && this.#dice.chance(0.5) ? '' : ` on ${on.name}`;
    return `...${ofType}${condition} ${inner}`;
  }

  /** Puts a selection into a fragment, or takes one of the same type that was written before. */
  #spread(on: string, text: string): string {
    const known = this.#fragments.filter((fragment) => fragment.on === on);
    if (known.length > 0 && this.#dice.chance(0.5)) return `...${this.#dice.pick(known).name}`;
    const name = `${this.#name}F${this.#fragments.length}`;
    this.#fragments.push({ name, on, text });
    return `...${name}`;
  }

  /** The types that a value of this type may be of, too. */
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
    if (!this.#dice.chance(0.06)) return '';
    const name = this.#dice.pick(['include', 'skip']);
    return ` @${name}(if: ${this.#value(new GraphQLNonNull(GraphQLBoolean), `${name}.if`)})`;
  }

  /** A value, written in or by a variable, whole or in its parts. */
  #value(type: GraphQLInputType, place: string): string {
    if (this.#dice.chance(0.35)) return `$${this.#variable(type, place)}`;
    const nullable = getNullableType(type);
    if (isLeafType(nullable) || this.#dice.chance(0.1)) return this.#literal(type, place);
    if (isListType(nullable))
      return `[${this.#dice.some([1, 3], () => this.#value(nullable.ofType, place)).join(', ')}]`;
    const fields = Object.values(nullable.getFields())
      .filter((field) => isRequiredInputField(field) || this.#dice.chance(0.4))
      .map(({ name, type: of }) => `${name}: ${this.#value(of, `${nullable.name}.${name}`)}`);
    return `{ ${fields.join(', ')} }`;
  }

  #literal(type: GraphQLInputType, place: string): string {
    const literal = literalOf(this.#values.of(type, place), type);
    return literal.startsWith('"') && this.#dice.chance(0.1) ? `""${literal}""` : literal;
  }

  /** A variable of the place's type, or of one that is stricter or looser by a null. */
  #variable(type: GraphQLInputType, place: string): string {
    const nullable = getNullableType(type);
    const known = this.#variables.find(
      (one) => one.place === place && getNullableType(one.type) === nullable,
    );
    if (known !== undefined && this.#dice.chance(0.5)) return known.name;
    const declared = this.#dice.pick([type, type, type, nullable, new GraphQLNonNull(nullable)]);
    const name = `${this.#name.toLowerCase()}v${this.#variables.length}`;
    const otherwise = this.#dice.chance(0.2) ? ` = ${this.#literal(declared, place)}` : '';
    const text = `$${name}: ${String(declared)}${otherwise}`;
    this.#variables.push({ name, type: declared, place, text });
    return name;
  }
}
