import {
  GraphQLError,
  Kind,
  NoFragmentCyclesRule,
  NoSchemaIntrospectionCustomRule,
  UniqueFragmentNamesRule,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValidationRule,
} from 'graphql';
import { Expansion, type Cost } from './expansion.ts';
import { UnconditionalRootRule } from './unconditional-root.ts';

/** Most tokens in a document: parsing stops there. The explorer's introspection has about 400. */
export const TOKENS_MAX = 1000;

/** Most errors in one response: a client needs only the first, and serializing many costs time. */
export const ERRORS_MAX = 10;

/** The counts that are limited in each operation. */
type LimitName = 'depth' | 'aliases' | 'directives' | 'rootFields';

/** Most of each in one operation, every fragment expanded and each of its spreads counted. */
const LIMITS: Readonly<Record<LimitName, number>> = {
  depth: 10,
  aliases: 15,
  directives: 20,
  rootFields: 10,
};

const WORDS: Readonly<Record<LimitName, string>> = {
  depth: 'levels',
  aliases: 'aliases',
  directives: 'directives',
  rootFields: 'root fields',
};

/** Most fields in a whole document after expansion. The standard introspection query has about 250. */
const FIELDS_MAX = 300;

/**
 * Most fields of an answer. No single list reaches it. Each field takes a few microseconds, also in a
 * cached document: ten lists of 100 rows under aliases took 99 ms.
 */
const ANSWER_FIELDS_MAX = 6000;

/** Most fields, inline fragments and spreads: spreads of fragments without fields are work, too. */
const SELECTIONS_MAX = TOKENS_MAX;

/**
 * Most times that one response name may occur in a selection set. Validation compares each two of
 * them, so its cost grows with the square: 150 repetitions took 40 ms.
 */
const REPEATS_MAX = 10;

/** Depth limit of introspection. Its standard query is deeper than any query of a client. */
const INTROSPECTION_DEPTH = 15;

/** Most levels in variables. No input has more than three; deeper values can overflow the stack of a reader. */
const VARIABLES_DEPTH_MAX = 20;

/**
 * Most values in variables, at all levels. The longest list of the schema has 50. An object of 12,000
 * unknown keys took 707 ms to coerce.
 */
const VALUES_MAX = 500;

/** Most keys of one object in variables. The largest input has ten fields. */
const KEYS_MAX = 100;

/**
 * How variables are coerced at both endpoints. GraphQL prints the whole value in each error, so the
 * default of 50 errors prints it 50 times. A client corrects one error at a time.
 */
export const COERCION = { maxCoercionErrors: 1 } as const;

/** The rules of an endpoint for documents, beyond those of GraphQL. */
export interface DocumentPolicy {
  /** Whether clients may introspect the schema and get suggestions of similar names. */
  readonly introspection: boolean;
}

/**
 * Returns the errors of a document: exceeded limits, else validation errors. Limits are checked first, in
 * linear time, because the cost of validation is not linear.
 *
 * The package @escape.tech/graphql-armor is not used: it counts after validation. Its counts also omit
 * aliases of `__typename`, fields below `__schema` and directives at a fragment's second spread.
 */
export function documentErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  { introspection }: DocumentPolicy,
): readonly GraphQLError[] {
  const expansion = new Expansion(document);
  // No other rule is linear on a document whose fragments contain themselves. Of fragments that share a
  // name, graphql-js reads the last or the first, so a cycle can be hidden from its rule.
  if (expansion.isCyclic)
    return check(schema, document, [UniqueFragmentNamesRule, NoFragmentCyclesRule]);
  const exceeded = exceededLimits(document, expansion);
  if (exceeded.length > 0) return exceeded;
  const hidden = introspection ? [] : [NoSchemaIntrospectionCustomRule];
  return check(schema, document, [...specifiedRules, UnconditionalRootRule, ...hidden], {
    hideSuggestions: !introspection,
  });
}

function check(
  schema: GraphQLSchema,
  document: DocumentNode,
  rules: readonly ValidationRule[],
  options: { readonly hideSuggestions?: boolean } = {},
): readonly GraphQLError[] {
  // The error after the last one states that there are more.
  return validate(schema, document, rules, { ...options, maxErrors: ERRORS_MAX - 1 });
}

/** The exceeded limits of a document: at most one error for each operation. */
function exceededLimits(document: DocumentNode, expansion: Expansion): readonly GraphQLError[] {
  const total = (name: 'fields' | 'selections'): number =>
    expansion.roots.reduce((sum, root) => sum + expansion.costOf(root)[name], 0);
  if (total('fields') > FIELDS_MAX)
    return [new GraphQLError(`The document has more than ${FIELDS_MAX} fields.`)];
  if (total('selections') > SELECTIONS_MAX)
    return [new GraphQLError(`The document has more than ${SELECTIONS_MAX} fields and fragments.`)];
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const errors = operations.flatMap((operation) => {
    const message = exceededLimit(operation, expansion.costOf(operation));
    return message === undefined ? [] : [new GraphQLError(message, { nodes: operation })];
  });
  return errors.length > 0 ? errors.slice(0, ERRORS_MAX) : mergedErrors(expansion);
}

function exceededLimit(operation: OperationDefinitionNode, cost: Cost): string | undefined {
  for (const name of Object.keys(LIMITS) as LimitName[]) {
    const isDeep = name === 'depth' && isIntrospection(operation);
    const limit = isDeep ? INTROSPECTION_DEPTH : LIMITS[name];
    if (cost[name] > limit) return `The operation has more than ${limit} ${WORDS[name]}.`;
  }
  const isMutation = operation.operation === 'mutation';
  return isMutation && cost.rootFields > 1 ? 'A request can have only one mutation.' : undefined;
}

/**
 * A response name that occurs too often, or too large an answer; called only where the number of
 * selections is bounded.
 */
function mergedErrors(expansion: Expansion): GraphQLError[] {
  for (const root of expansion.roots) {
    const { repeated, answerFields } = expansion.merge(root, REPEATS_MAX);
    if (repeated !== undefined) {
      const name = (repeated[0]!.alias ?? repeated[0]!.name).value;
      const message = `The name "${name}" occurs more than ${REPEATS_MAX} times in one selection set.`;
      return [new GraphQLError(message, { nodes: repeated[0] })];
    }
    if (answerFields > ANSWER_FIELDS_MAX)
      return [
        new GraphQLError(
          `The answer could have more than ${ANSWER_FIELDS_MAX} fields: ask for fewer rows.`,
        ),
      ];
  }
  return [];
}

/** Only an operation whose root fields are all introspection's own. */
function isIntrospection({ selectionSet }: OperationDefinitionNode): boolean {
  return selectionSet.selections.every(
    (selection) =>
      selection.kind === Kind.FIELD &&
      ['__schema', '__type', '__typename'].includes(selection.name.value),
  );
}

/** What is wrong with the size of variables, or undefined. Reads each value once, without recursion. */
export function variablesError(variables: unknown): string | undefined {
  let level = [variables].filter(isObject);
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > VARIABLES_DEPTH_MAX)
      return `The variables are nested more than ${VARIABLES_DEPTH_MAX} levels deep.`;
    if (level.some(isWide)) return `An object in the variables has more than ${KEYS_MAX} keys.`;
    const inner = level.flatMap((value): unknown[] => Object.values(value));
    values += inner.length;
    if (values > VALUES_MAX) return `The variables have more than ${VALUES_MAX} values.`;
    level = inner.filter(isObject);
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isWide(value: object): boolean {
  return !Array.isArray(value) && Object.keys(value).length > KEYS_MAX;
}

/** Most values in the JSON text of a request: its variables, and the additions of a client library. */
const BODY_VALUES_MAX = 1000;

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];

/**
 * What is wrong with the number of values in JSON text, or undefined. It counts the commas outside
 * strings, for 1 ms at most. To parse an object of 12,000 keys takes 8 ms, to read it 7 ms more.
 */
export function jsonTextError(text: string): string | undefined {
  let commas = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString && code === BACKSLASH) at += 1;
    else if (code === COMMA && !isInString) commas += 1;
  }
  return commas < BODY_VALUES_MAX ? undefined : `The body has more than ${BODY_VALUES_MAX} values.`;
}
