import {
  buildASTSchema,
  findBreakingChanges,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  type GraphQLNamedType,
} from 'graphql';
import { buildShopSchema, printShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { textOf } from '../support/project.ts';

test('schema.graphql matches the resolvers (to update it: npm run schema)', () => {
  expect(textOf('schema.graphql')).toBe(printShopSchema());
});

test('the schema has no breaking change against the public contract', () => {
  const contract = buildASTSchema(parse(textOf('tests/project/contract/schema.graphql')));

  const breakingChanges = findBreakingChanges(contract, buildShopSchema());

  expect(breakingChanges.map(({ description }) => description)).toEqual([]);
});

test('the schema has no breaking change against the admin contract', () => {
  const contract = buildASTSchema(
    parse(
      textOf('tests/project/contract/schema.graphql') +
        textOf('tests/project/contract/admin.graphql'),
    ),
  );

  const breakingChanges = findBreakingChanges(contract, buildShopSchema());

  expect(Object.keys(contract.getMutationType()!.getFields())).toContain('reconcile');
  expect(breakingChanges.map(({ description }) => description)).toEqual([]);
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

/** The parts of a type that can have a description, by path. */
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
