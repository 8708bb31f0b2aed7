import {
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type validate,
  type ValidationRule,
} from 'graphql';
import { UnconditionalRootRule } from './unconditional-root.ts';

/** Most tokens in a document: parsing stops there. The explorer's introspection has about 400. */
export const TOKENS_MAX = 1000;

/** Most errors in one answer: a client needs the first, and a flood of them costs us the writing. */
export const ERRORS_MAX = 10;

/** Most of each in one operation, every fragment expanded and each of its spreads counted. */
const LIMITS = {
  depth: 10,
  aliases: 15,
  directives: 20,
  rootFields: 10,
  // Each has at least a token; this is what stops fragments that spread each other without end.
  selections: TOKENS_MAX,
} as const;

/** What one operation comes to. */
type Cost = Record<keyof typeof LIMITS, number>;

/** Introspection's own query nests deeper than any of ours; where it is on, it passes. */
const INTROSPECTION_DEPTH = 15;

/** What is the same at both GraphQL doors. */
export interface DoorRules {
  readonly rules: ValidationRule[];
  readonly options: NonNullable<Parameters<typeof validate>[3]>;
}

/**
 * What both GraphQL doors refuse beyond the language's own rules. The limits are one rule, counted
 * after expanding fragments: no name is exempt, and a fragment spread twice counts twice. Counting
 * stops at the first limit that is passed, so that a bomb costs no more than the limit.
 *
 * @escape.tech/graphql-armor is left out: aliases of `__typename`, what lies below `__schema` and the
 * directives at a fragment's second spread are missing from its counts, and its one measure that is
 * not here, a weighted cost, has nothing to add where selections, depth and pages are bounded.
 */
export function doorRules({ introspection }: { readonly introspection: boolean }): DoorRules {
  return {
    rules: [
      UnconditionalRootRule,
      LimitsRule,
      ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
    ],
    // One more says that there are more.
    options: { maxErrors: ERRORS_MAX - 1 },
  };
}

function LimitsRule(context: ValidationContext) {
  return {
    OperationDefinition(operation: OperationDefinitionNode): void {
      const message = passedLimit(operation, (name) => context.getFragment(name));
      if (message !== undefined)
        context.reportError(new GraphQLError(message, { nodes: operation }));
    },
  };
}

type FragmentOf = (name: string) => FragmentDefinitionNode | null | undefined;

function passedLimit(
  operation: OperationDefinitionNode,
  fragmentOf: FragmentOf,
): string | undefined {
  const cost: Cost = {
    depth: 0,
    aliases: 0,
    directives: operation.directives?.length ?? 0,
    rootFields: 0,
    selections: 0,
  };
  const mutation = operation.operation === 'mutation';
  const within = (): boolean =>
    (Object.keys(LIMITS) as (keyof Cost)[]).every((name) => cost[name] <= limitOf(name, operation));
  expand(operation.selectionSet, { fragmentOf, cost, within, spread: [] }, 1);
  for (const name of Object.keys(LIMITS) as (keyof Cost)[]) {
    const limit = limitOf(name, operation);
    if (cost[name] > limit) return `The operation has more than ${limit} ${WORDS[name]}.`;
  }
  return mutation && cost.rootFields > 1 ? 'One request carries one mutation.' : undefined;
}

const WORDS: Readonly<Record<keyof Cost, string>> = {
  depth: 'levels',
  aliases: 'aliases',
  directives: 'directives',
  rootFields: 'root fields',
  selections: 'fields and fragments',
};

function limitOf(name: keyof Cost, operation: OperationDefinitionNode): number {
  return name === 'depth' && isIntrospection(operation) ? INTROSPECTION_DEPTH : LIMITS[name];
}

/** Only an operation whose root fields are all introspection's own. */
function isIntrospection({ selectionSet }: OperationDefinitionNode): boolean {
  return selectionSet.selections.every(
    (selection) =>
      selection.kind === Kind.FIELD &&
      ['__schema', '__type', '__typename'].includes(selection.name.value),
  );
}

interface Expansion {
  readonly fragmentOf: FragmentOf;
  readonly cost: Cost;
  readonly within: () => boolean;
  /** Fragments being expanded: a cycle is another rule's error, and must not hang this one. */
  readonly spread: readonly string[];
}

function expand(set: SelectionSetNode, expansion: Expansion, depth: number): void {
  const { cost } = expansion;
  cost.depth = Math.max(cost.depth, depth);
  for (const selection of set.selections) {
    if (!expansion.within()) return;
    cost.selections += 1;
    cost.directives += selection.directives?.length ?? 0;
    if (selection.kind === Kind.FIELD) expandField(selection, expansion, depth);
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      expand(selection.selectionSet, expansion, depth);
    else expandSpread(selection.name.value, expansion, depth);
  }
}

function expandField(field: FieldNode, expansion: Expansion, depth: number): void {
  const { cost } = expansion;
  if (depth === 1) cost.rootFields += 1;
  if (field.alias !== undefined) cost.aliases += 1;
  if (field.selectionSet !== undefined) expand(field.selectionSet, expansion, depth + 1);
}

function expandSpread(name: string, expansion: Expansion, depth: number): void {
  const { cost, fragmentOf, spread } = expansion;
  const fragment = spread.includes(name) ? undefined : fragmentOf(name);
  if (fragment == null) return;
  cost.directives += fragment.directives?.length ?? 0;
  expand(fragment.selectionSet, { ...expansion, spread: [...spread, name] }, depth);
}
