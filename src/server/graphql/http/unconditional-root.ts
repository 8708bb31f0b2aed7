import {
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

const CONDITIONS = new Set(['skip', 'include']);

/**
 * What is subscribed to may not depend on a variable; so says the specification of GraphQL. Judged
 * before any operation is looked at, and nothing else is judged where it is broken: graphql-js's own
 * rule for a subscription's root throws there, which would be answered as a fault of ours.
 */
export function UnconditionalRootRule(context: ValidationContext) {
  return {
    Document(): void {
      const conditional = context
        .getDocument()
        .definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION)
        .filter(({ operation }) => operation === 'subscription')
        .flatMap((operation) => conditionalRoots(context, operation));
      if (conditional.length === 0) return;
      const message = 'What is subscribed to must not depend on @skip or @include.';
      context.reportError(new GraphQLError(message, { nodes: conditional[0] }));
      // Ends the validation in good order, as one that costs too much is ended.
      context.spendFragmentWork(Infinity);
    },
  };
}

/** The root selections that are subject to a condition, in fragments too. */
function conditionalRoots(
  context: ValidationContext,
  { selectionSet }: OperationDefinitionNode,
): SelectionNode[] {
  return rootSelections(context, selectionSet).filter((selection) =>
    selection.directives?.some(({ name }) => CONDITIONS.has(name.value)),
  );
}

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
