import {
  buildASTSchema,
  findBreakingChanges,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  parse,
  visit,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLNamedType,
} from 'graphql';
import { buildShopSchema, printShopSchema } from '../../src/edges/graphql/schema.ts';
import { textOf } from '../support/project.ts';

/** The operator's root fields that are built; the others of admin.graphql are still to come. */
const OPERATOR_FIELDS = ['createProduct', 'adjustStock', 'stockAudit'];

test('schema.graphql is what the resolvers print (mend it with npm run schema)', () => {
  expect(textOf('schema.graphql')).toBe(printShopSchema());
});

test('the schema keeps every promise of the public contract', () => {
  const promised = buildASTSchema(parse(textOf('tests/house/contract/schema.graphql')));

  const broken = findBreakingChanges(promised, buildShopSchema());

  expect(broken.map(({ description }) => description)).toEqual([]);
});

test('the schema keeps the promises of the operator’s contract that are built', () => {
  const built = builtPartOf(
    parse(
      textOf('tests/house/contract/schema.graphql') + textOf('tests/house/contract/admin.graphql'),
    ),
  );
  const promised = buildASTSchema(built);

  const broken = findBreakingChanges(promised, buildShopSchema());

  const roots = {
    ...promised.getQueryType()!.getFields(),
    ...promised.getMutationType()!.getFields(),
  };
  expect(Object.keys(roots)).toEqual(expect.arrayContaining(OPERATOR_FIELDS));
  expect(broken.map(({ description }) => description)).toEqual([]);
});

test('every type, field, argument and enum value has a description', () => {
  const schema = buildShopSchema();
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];

  const silent = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .flatMap((type) =>
      [...(roots.includes(type as never) ? [] : [[type.name, type] as const]), ...partsOf(type)]
        .filter(([, { description }]) => !description?.trim())
        .map(([name]) => name),
    );

  expect(silent).toEqual([]);
});

type Described = { readonly description?: string | null };

/** Whatever of a type can be described, by its path. */
function partsOf(type: GraphQLNamedType): (readonly [string, Described])[] {
  if (isEnumType(type))
    return type.getValues().map((value) => [`${type.name}.${value.name}`, value]);
  if (isInputObjectType(type))
    return Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field]);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) => {
    const path = `${type.name}.${field.name}`;
    return [
      [path, field] as const,
      ...field.args.map((arg) => [`${path}(${arg.name}:)`, arg] as const),
    ];
  });
}

/** The contract without the operator's root fields that are not built, and without what only they name. */
function builtPartOf(contract: DocumentNode): DocumentNode {
  const merged = visit(contract, {
    ObjectTypeExtension: (root) => ({
      ...root,
      fields: root.fields?.filter(({ name }) => OPERATOR_FIELDS.includes(name.value)),
    }),
  });
  const named = new Map<string, DefinitionNode[]>();
  for (const definition of merged.definitions) {
    const name = 'name' in definition ? definition.name!.value : '';
    named.set(name, [...(named.get(name) ?? []), definition]);
  }
  const reached = new Set<string>();
  const reach = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const definition of named.get(name) ?? [])
      visit(definition, { NamedType: (type) => reach(type.name.value) });
  };
  for (const root of ['Query', 'Mutation', 'Subscription']) reach(root);
  return {
    kind: Kind.DOCUMENT,
    definitions: [...reached].flatMap((name) => named.get(name) ?? []),
  };
}
