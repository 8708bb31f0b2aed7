import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isRequiredArgument,
  type GraphQLCompositeType,
  type GraphQLSchema,
} from 'graphql';
import fc from 'fast-check';

/** A random selection of a type's fields without arguments: aliases, fragments, unions, several levels. */
export function selectionOf(
  schema: GraphQLSchema,
  typeName: string,
  depth = 3,
): fc.Arbitrary<string> {
  return selection(schema, schema.getType(typeName) as GraphQLCompositeType, depth);
}

function selection(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  depth: number,
): fc.Arbitrary<string> {
  if (isAbstractType(type)) {
    const parts = schema
      .getPossibleTypes(type)
      .map((possible) =>
        selection(schema, possible, depth).map((body) => `... on ${possible.name} ${body}`),
      );
    return fc.tuple(...parts).map((bodies) => `{ __typename ${bodies.join(' ')} }`);
  }
  const fields = Object.values(type.getFields()).filter(
    ({ args, type: of }) =>
      !args.some(isRequiredArgument) && (depth > 1 || !isCompositeType(getNamedType(of))),
  );
  const field = fc
    .constantFrom(...fields)
    .chain(({ name, type: of }): fc.Arbitrary<string> => {
      const named = getNamedType(of);
      return isCompositeType(named)
        ? selection(schema, named, depth - 1).map((body) => `${name} ${body}`)
        : fc.constant(name);
    })
    .chain((text) =>
      // Each field has a unique alias, so that no two fields conflict.
      fc.constantFrom('plain', 'aliased', 'fragment').map((how) => ({ how, text })),
    );
  return fc.array(field, { minLength: 1, maxLength: 6 }).map((chosen) => {
    const texts = chosen.map(({ how, text }, place) => {
      if (how === 'plain') return `p${place}: ${text}`;
      return how === 'aliased'
        ? `a${place}: ${text}`
        : `... on ${type.name} { f${place}: ${text} }`;
    });
    return `{ __typename ${texts.join(' ')} }`;
  });
}
