import { parseSync } from '@swc/core';
import { filesLike, linesLike, textOf } from '../support/project.ts';

/** The modules of the shop in the order of their layers, as docs/architecture.md names them. */
const MODULES = ['catalog', 'events', 'stock', 'purchases', 'payments', 'reconciliation', 'admin'];

const FILES = filesLike('src/**/*.ts').filter((file) => !file.startsWith('src/migrations/'));

/** The folder that owns each table: the one that has its entity. */
const OWNERS: ReadonlyMap<string, string> = new Map(
  filesLike('src/shop/**/*.entity.ts').map((file) => [
    /tableName: '(\w+)'/.exec(textOf(file))![1]!,
    file.split('/')[2]!,
  ]),
);

const DUE_RULE = 'src/shop/purchases/status.rules.ts';

const RETENTION = 'Removes personal data from ended rows of five tables by the same rules.';

/** Where a file writes a table of another folder, each with the reason. */
const WRITES_ELSEWHERE: Readonly<Record<string, string>> = {
  'src/shop/admin/redact-ended.ts holds': RETENTION,
  'src/shop/admin/redact-ended.ts orders': RETENTION,
  'src/shop/admin/redact-ended.ts payment_events': RETENTION,
  'src/shop/admin/redact-ended.ts shop_events': RETENTION,
  'src/shop/admin/redact-ended.ts webhook_deliveries': RETENTION,
};

/** The files whose SQL may change the counters; all other changes are made by `unitMove`. */
const COUNTER_WRITERS: Readonly<Record<string, string>> = {
  'src/shop/stock/unit-move.ts': 'Every move of units is this statement.',
  'src/shop/stock/create-product.ts':
    'The first stock row begins with its product and its movement.',
  'src/shop/stock/repair-counters.ts': 'A repair sets counters that disagree with the rows.',
};

/** A use of a table by a file's SQL or entity. */
interface Use {
  readonly file: string;
  readonly table: string;
  readonly isWrite: boolean;
}

const USES = FILES.flatMap((file) => usesIn(file, textOf(file)));

test('each table has one owner, and every use of a table in src is seen', () => {
  expect(Object.fromEntries(OWNERS)).toEqual({
    products: 'catalog',
    shop_events: 'events',
    webhook_deliveries: 'events',
    webhook_endpoints: 'events',
    stock_levels: 'stock',
    stock_movements: 'stock',
    holds: 'purchases',
    orders: 'purchases',
    payment_events: 'payments',
    payment_sessions: 'payments',
    refunds: 'payments',
    operator_acts: 'admin',
  });
  for (const table of OWNERS.keys())
    expect(USES).toContainEqual({ file: expect.anything(), table, isWrite: true });
  expect(USES.length).toBeGreaterThan(60);
});

test('a folder writes only its own tables', () => {
  const foreign = USES.filter(({ isWrite }) => isWrite).filter(
    ({ file, table }) => moduleOf(file) !== OWNERS.get(table),
  );

  expect(listed(foreign)).toEqual(Object.keys(WRITES_ELSEWHERE).toSorted());
});

test('a folder reads only its own tables and those of folders before it', () => {
  expect(listed(USES.filter((use) => !mayRead(use)))).toEqual([]);
});

test('counters change only through unitMove', () => {
  const writers = USES.filter(({ table, isWrite }) => isWrite && table.startsWith('stock_'));

  expect([...new Set(writers.map(({ file }) => file))].toSorted()).toEqual(
    Object.keys(COUNTER_WRITERS).toSorted(),
  );
});

test('the condition for a due hold or order is written in one file', () => {
  const comparisons = linesLike(
    /expires_at\b"?\s*(?:<|>)|xpiresAt\s*(?:<|>)|(?:<|>)=?\s*[\w.]*xpiresAt\b/,
    FILES,
  );

  expect(comparisons.length).toBeGreaterThan(1);
  expect(comparisons.filter((line) => !line.startsWith(DUE_RULE))).toEqual([
    expect.stringMatching(/^src\/shop\/admin\/redact-ended\.ts:\d+ .*expires_at < c\.cutoff/),
  ]);
});

test('no file writes through the ORM, whose statements this test cannot see', () => {
  const writing =
    /\.em\b[^;]*?\.(persist|flush|remove|insert|insertMany|nativeInsert|nativeUpdate|nativeDelete|upsert|upsertMany)\(/;

  expect(FILES.filter((file) => writing.test(textOf(file)))).toEqual([]);
});

test('SQL in strings, templates and table names is recognised', () => {
  const source = `
    import { HoldTable } from '../purchases/hold.entity.ts';
    import type { Order } from '../purchases/order.entity.ts';
    const a = 'select id from orders o left join refunds f on true for update skip locked';
    const b = \`with x as (update holds h set status = 'EXPIRED') insert into products (id) \${values}\`;
    const c = { table: 'payment_events', blank: '' };
    const d = \`update \${table} t set x = 1\`;
    // update stock_levels: a comment is no statement.
  `;

  expect(
    usesIn('x.ts', source).map(({ table, isWrite }) => `${isWrite ? 'write' : 'read'} ${table}`),
  ).toEqual([
    'read orders',
    'read refunds',
    'write holds',
    'write products',
    'write payment_events',
    'read holds',
  ]);
});

/** `src/shop/stock/x.ts` belongs to stock, `src/live/x.ts` to live. */
function moduleOf(file: string): string {
  return /^src\/(?:shop\/)?([\w-]+)\//.exec(file)?.[1] ?? 'src';
}

function mayRead({ file, table }: Use): boolean {
  const reader = moduleOf(file);
  if (reader === 'live') return true;
  return MODULES.indexOf(reader) >= MODULES.indexOf(OWNERS.get(table)!);
}

const listed = (uses: readonly Use[]): string[] =>
  [...new Set(uses.map(({ file, table }) => `${file} ${table}`))].toSorted();

function usesIn(file: string, source: string): Use[] {
  const { texts, tables } = stringsIn(source);
  // The name goes into a statement elsewhere in its file.
  const isNameWritten = texts.some((text) => /\b(update|insert into|delete from) \?/.test(text));
  const entities = source.matchAll(/import \{ (\w+)Table\b[^}]*\} from '[^']*\.entity\.ts'/g);
  return [
    ...texts.flatMap((text) => usesInSql(text)),
    ...tables
      .filter((table) => OWNERS.has(table))
      .map((table) => ({ table, isWrite: isNameWritten })),
    ...[...entities].map(([, name]) => ({ table: tableOf(name!), isWrite: false })),
  ].map((use) => ({ file, ...use }));
}

function usesInSql(text: string): Omit<Use, 'file'>[] {
  const before = /\bselect\b/.test(text) ? 'from|join|,' : 'from|join';
  const used = new RegExp(`(insert into|update|delete from|truncate|${before}) (\\w+)\\b`, 'g');
  return [...text.matchAll(used)]
    .filter(([, , table]) => OWNERS.has(table!))
    .map(([, verb, table]) => ({ table: table!, isWrite: !['from', 'join', ','].includes(verb!) }));
}

/** The table of the entity with this name. */
function tableOf(name: string): string {
  const entity = filesLike('src/shop/**/*.entity.ts')
    .map((file) => textOf(file))
    .find((text) => text.includes(`const ${name}Table =`));
  return /tableName: '(\w+)'/.exec(entity!)![1]!;
}

/** The strings of a source text, `?` for each value in a template, and the values of `table:`. */
function stringsIn(source: string): { readonly texts: string[]; readonly tables: string[] } {
  const texts: string[] = [];
  const tables: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null) return;
    const { type, value, quasis, key } = node as Node;
    if (type === 'StringLiteral') texts.push(onOneLine(value as string));
    if (type === 'TemplateLiteral')
      texts.push(onOneLine(quasis!.map(({ cooked }) => cooked).join('?')));
    if (type === 'KeyValueProperty' && key!.value === 'table')
      tables.push((value as { value: string }).value);
    Object.values(node).forEach(visit);
  };
  visit(parseSync(source, { syntax: 'typescript', decorators: true }).body);
  return { texts, tables };
}

/** The parts of a syntax node that are looked at. */
interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly key?: { readonly value?: string };
  readonly quasis?: readonly { readonly cooked: string }[];
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
