import {
  getOperationAST,
  GraphQLError,
  Kind,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { TOKENS_MAX } from './limits.ts';

/** Documents remembered: an app has a dozen, and several of its versions are about at once. */
const DOCUMENTS_MAX = 100;

/** All remembered texts together, in characters; a parsed document takes about a hundred times its text. */
const CHARACTERS_MAX = 64 * 1024;

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
  readonly #rules: readonly ValidationRule[];
  /** The longest unused first. */
  readonly #known = new Map<string, DocumentNode>();
  #characters = 0;

  constructor(schema: GraphQLSchema, rules: readonly ValidationRule[]) {
    this.#schema = schema;
    this.#rules = rules;
  }

  check({ query, operationName }: Request): Checked {
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
    const broken = (rules: readonly ValidationRule[]): readonly GraphQLError[] =>
      validate(this.#schema, document, rules, { maxErrors: 10 });
    // Before the others, because graphql-js's own throw where this one is broken.
    const conditional = broken([UnconditionalRootRule]);
    const errors = conditional.length > 0 ? conditional : broken(this.#rules);
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

/** What is subscribed to may not depend on a variable; so says the specification of GraphQL. */
function UnconditionalRootRule(context: ValidationContext) {
  return {
    OperationDefinition({ operation, selectionSet }: OperationDefinitionNode): void {
      if (operation !== 'subscription') return;
      for (const node of rootSelections(context, selectionSet)) {
        const isConditional = node.directives?.some(({ name }) => CONDITIONS.has(name.value));
        if (!isConditional) continue;
        const message = 'What is subscribed to must not depend on @skip or @include.';
        context.reportError(new GraphQLError(message, { nodes: node }));
      }
    },
  };
}

const CONDITIONS = new Set(['skip', 'include']);

/** The root fields and the fragments that they stand in, each fragment once. */
function rootSelections(context: ValidationContext, root: SelectionSetNode): SelectionNode[] {
  const selections = [...root.selections];
  const seen = new Set<string>();
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT)
      selections.push(...selection.selectionSet.selections);
    if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue;
    seen.add(selection.name.value);
    selections.push(...(context.getFragment(selection.name.value)?.selectionSet.selections ?? []));
  }
  return selections;
}

/** A request that is none of this door's. */
export function badRequestError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

/** The error with the code that Apollo gives it over HTTP. */
function coded({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
