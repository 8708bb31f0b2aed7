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
 * GraphQL forbids @skip and @include on the root field of a subscription. This rule runs before all
 * others and ends the validation on a violation. The rule of graphql-js throws in that case, which
 * would become an internal error.
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
      const message = 'The root field of a subscription must not have @skip or @include.';
      context.reportError(new GraphQLError(message, { nodes: conditional[0] }));
      // Ends the validation, as for a document that is too expensive.
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

/** The root fields and the fragments that contain them, each fragment once. */
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
