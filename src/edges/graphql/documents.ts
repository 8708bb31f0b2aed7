import {
  getOperationAST,
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { TOKENS_MAX, type DoorRules } from './limits.ts';

/** Documents remembered: an app has a dozen, and several of its versions are about at once. */
const DOCUMENTS_MAX = 100;

/** All remembered texts together, in characters; a parsed document takes about a hundred times its text. */
const CHARACTERS_MAX = 64 * 1024;

/** Apollo's own words over HTTP, where an empty text is no document at all: both doors say the same. */
const NO_QUERY =
  'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';

/** What a client asks: a document, and which of its operations. */
export interface Request {
  readonly query: string;
  readonly operationName?: string | null | undefined;
}

/** A document that may be subscribed with, or what is wrong with it. */
export type Checked =
  | { readonly document: DocumentNode; readonly errors?: undefined }
  | { readonly errors: readonly GraphQLError[] };

/**
 * Documents parsed and checked by the rules, for subscriptions only. Those asked for last are
 * remembered, so that a thousand screens with one document cost one check; a flood of different
 * ones, values written into each, only makes it forget.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #rules: DoorRules;
  /** The longest unused first. */
  readonly #known = new Map<string, DocumentNode>();
  #characters = 0;

  constructor(schema: GraphQLSchema, rules: DoorRules) {
    this.#schema = schema;
    this.#rules = rules;
  }

  check({ query, operationName }: Request): Checked {
    if (query === '') return { errors: [badRequestError(NO_QUERY)] };
    const known = this.#known.get(query);
    const checked = known === undefined ? this.#read(query) : { document: known };
    if (checked.errors !== undefined) return checked;
    this.#remember(query, checked.document);
    const operation = getOperationAST(checked.document, operationName);
    if (operation?.operation === 'subscription') return checked;
    return {
      errors: [
        badRequestError(
          'Only subscriptions go over the websocket; send queries and mutations by POST.',
        ),
      ],
    };
  }

  #read(query: string): Checked {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: TOKENS_MAX });
    } catch (error) {
      return { errors: [coded(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')] };
    }
    const { rules, options } = this.#rules;
    const errors = validate(this.#schema, document, [...specifiedRules, ...rules], options);
    return errors.length > 0
      ? { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) }
      : { document };
  }

  #remember(query: string, document: DocumentNode): void {
    if (this.#known.delete(query)) this.#characters -= query.length;
    this.#known.set(query, document);
    this.#characters += query.length;
    for (const [oldest] of this.#known) {
      if (this.#known.size <= DOCUMENTS_MAX && this.#characters <= CHARACTERS_MAX) return;
      this.#known.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}

/** A request that is none of this door's. */
export function badRequestError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

/** The error with the code that Apollo gives it over HTTP. */
function coded({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
