import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';

/** Text with a meaning in some language: SQL, JSON, templates, paths, headers, numbers, dates, cursors. */
export const INJECTIONS: readonly string[] = [
  '',
  ' ',
  "' or '1'='1",
  '" or ""="',
  "'; drop table holds; --",
  '1; truncate orders cascade',
  "1' and pg_sleep(0)::text = '",
  "\\'; --",
  '$1',
  '?',
  '{"$gt":""}',
  '","isAdmin":true,"x":"',
  '[1,2,3]',
  '${7*7}',
  '{{7*7}}',
  '<%= 7*7 %>',
  '#{7*7}',
  '%s%n%x%00',
  '../../../../etc/passwd',
  '..\\..\\windows',
  'file:///etc/passwd',
  'x\r\nSet-Cookie: a=b',
  '<script>alert(1)</script>',
  '*)(uid=*',
  'a\0b',
  '\ud800',
  'b\udc00',
  '\ufeff\u202etxet\u200b',
  '𝄞👩‍👩‍👧e\u0301',
  'x'.repeat(100 * 1024),
  '9'.repeat(100 * 1024),
  '9'.repeat(400),
  `0.${'0'.repeat(400)}1`,
  '1e400',
  '-0',
  'NaN',
  'Infinity',
  '0x10',
  '2147483648',
  '-2147483649',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:60Z',
  '2026-02-30T00:00:00Z',
  '2026-11-27T18:00:00+99:99',
  '+275760-09-13T00:00:00.000Z',
  '__proto__',
  'constructor',
  '00000000-0000-0000-0000-000000000000',
  Buffer.from('products:-1').toString('base64url'),
  Buffer.from(`products:${'9'.repeat(30)}`).toString('base64url'),
  Buffer.from("holds:' or 1=1 --").toString('base64url'),
];

/** Values of every JSON type, at the edges of each. */
export const OF_ANY_TYPE: readonly unknown[] = [
  null,
  true,
  1.5,
  -1,
  0,
  101,
  2147483647,
  -2147483648,
  2147483648,
  1e308,
  'ACTIVE',
  [],
  [null],
  [['1']],
  // More wrong values than the maximum of errors in an answer.
  Array.from({ length: 30 }, () => ({})),
  {},
  { set: 'x' },
  JSON.parse('{"__proto__":{"polluted":true}}'),
  { constructor: { prototype: { polluted: true } } },
];

/** One operation and its variables. */
export interface HostileCall {
  /** The argument and the start of its value, for the message of a failure. */
  readonly what: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly kind: 'query' | 'mutation' | 'subscription';
}

/** The products that well-formed arguments name: one to buy from, and one to change. */
export interface NamedProducts {
  readonly toBuy: string;
  readonly toChange: string;
}

/** Every argument of every operation, and every field of its inputs, with every hostile value. */
export function hostileCalls(schema: GraphQLSchema, products: NamedProducts): HostileCall[] {
  return fieldsOf(schema).flatMap(({ kind, field }) => {
    const query = operationOf(kind, field);
    const bearable = Object.fromEntries(requiredOf(field.args, products));
    return leavesOf(field).flatMap(({ path, isText }) =>
      [...(isText ? INJECTIONS : []), ...OF_ANY_TYPE].map((value): HostileCall => {
        const glance = JSON.stringify(value)?.slice(0, 40);
        const what = `${field.name}(${path.join('.')}: ${glance})`;
        return { what, query, kind, variables: withValue(bearable, path, value) };
      }),
    );
  });
}

/** Every operation with well-formed arguments that have little effect. */
export function harmlessCalls(schema: GraphQLSchema, products: NamedProducts): HostileCall[] {
  return fieldsOf(schema).map(({ kind, field }) => ({
    what: field.name,
    kind,
    query: operationOf(kind, field),
    variables: Object.fromEntries(requiredOf(field.args, products)),
  }));
}

const ADMIN_FIELDS =
  /\b(createProduct|updateProduct|adjustStock|adminCancelOrder|replayPaymentEvent|resolveRefund|reconcile|adminOrder|orders|holds|paymentEvents|refunds|stockMovements|stockAudit)\b/;

/** Whether a call requires the admin token. */
export const isAdminCall = ({ query }: Pick<HostileCall, 'query'>): boolean =>
  ADMIN_FIELDS.test(query);

type Field = GraphQLField<unknown, unknown>;

function fieldsOf(
  schema: GraphQLSchema,
): { readonly kind: HostileCall['kind']; readonly field: Field }[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  return roots.flatMap(([kind, type]) =>
    Object.values(type!.getFields()).map((field) => ({ kind, field })),
  );
}

/** Every position of a value in the variables, which are named like the arguments. */
interface Leaf {
  readonly path: readonly [string] | readonly [string, string];
  readonly isText: boolean;
}

function leavesOf({ args }: Field): Leaf[] {
  const isText = ({ type }: GraphQLArgument | GraphQLInputField): boolean =>
    ['ID', 'String', 'Decimal', 'DateTime'].includes(getNamedType(type).name) ||
    isEnumType(getNamedType(type));
  return args.flatMap((arg): Leaf[] => {
    const type = getNamedType(arg.type);
    const whole: Leaf = { path: [arg.name], isText: isText(arg) };
    if (!isInputObjectType(type)) return [whole];
    const inner = Object.values(type.getFields()).map((field): Leaf => ({
      path: [arg.name, field.name],
      isText: isText(field),
    }));
    return [whole, ...inner];
  });
}

function withValue(
  variables: Readonly<Record<string, unknown>>,
  [name, inner]: Leaf['path'],
  value: unknown,
): Record<string, unknown> {
  if (inner === undefined) return { ...variables, [name]: value };
  return { ...variables, [name]: { ...(variables[name] as object), [inner]: value } };
}

/** Values of required arguments, by name. */
function requiredOf(
  args: readonly GraphQLArgument[],
  { toBuy, toChange }: NamedProducts,
): [string, unknown][] {
  const bearable: Readonly<Record<string, unknown>> = {
    id: toChange,
    productId: toBuy,
    productIds: [toBuy],
    name: 'Hostile Widget',
    price: '1.00',
    currency: 'USD',
    totalStock: 5,
    delta: 1,
  };
  return args.filter(isRequiredArgument).map(({ name, type }) => {
    const input = getNamedType(type);
    if (!isInputObjectType(input)) return [name, bearable[name] ?? 'a word'];
    const fields = Object.values(input.getFields()).filter(isRequiredInputField);
    return [
      name,
      Object.fromEntries(fields.map((field) => [field.name, bearable[field.name] ?? 'a word'])),
    ];
  });
}

function operationOf(kind: HostileCall['kind'], { name, args, type }: Field): string {
  // An argument with a default is optional, so its variable is optional too.
  const typeOf = (arg: GraphQLArgument): string =>
    isRequiredArgument(arg) ? String(arg.type) : String(arg.type).replace(/!$/, '');
  const declared = args.map((arg) => `$${arg.name}: ${typeOf(arg)}`).join(', ');
  const passed = args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const inBrackets = (text: string): string => (text === '' ? '' : `(${text})`);
  return `${kind} ${inBrackets(declared)} { ${name}${inBrackets(passed)} ${selectionOf(type)} }`;
}

/** Every scalar field of the answer, so that a leak would be visible. */
function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (isUnionType(named)) {
    const [success] = named.getTypes();
    return `{ __typename ... on CheckoutError { code message } ... on ${success!.name} ${selectionOf(success!)} }`;
  }
  if (!isObjectType(named)) return '';
  const names = Object.values(named.getFields()).flatMap((field) => {
    if (field.name === 'nodes') return [`nodes ${selectionOf(field.type)}`];
    const inner = getNamedType(field.type);
    return isObjectType(inner) || isUnionType(inner) ? [] : [field.name];
  });
  return `{ __typename ${names.join(' ')} }`;
}
