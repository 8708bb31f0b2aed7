import { parse } from 'node:path';
import { parseSync } from '@swc/core';
import { filesLike, linesLike, textOf } from '../support/project.ts';

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly resolved?: string;
        readonly integrity?: string;
        readonly hasInstallScript?: boolean;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

const lock = JSON.parse(textOf('package-lock.json')) as Lock;
const manifest = JSON.parse(textOf('package.json')) as Readonly<
  Record<string, Readonly<Record<string, string>> | undefined>
>;

const CODE = filesLike('{src,tests,bench}/**/*.{ts,mjs}', '*.{ts,mjs}', '.dependency-cruiser.mjs');

test('no file contains a mark of unfinished work', () => {
  // The words are concatenated so that this line does not match; XXX without a colon is a currency code.
  const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'HA' + 'CK'].join('|')})\\b|\\bXXX:`);

  expect(linesLike(marks, [...CODE, ...filesLike('*.md', 'docs/**/*.md', '.ci/run')])).toEqual([]);
});

test('no test is skipped or runs exclusively', () => {
  const narrowed =
    /\b(?:test|it|describe)(?:\.concurrent)?\.(?:only|skip|todo)\b|\b[xf](?:test|it|describe)\(/;

  expect(linesLike(narrowed, filesLike('tests/**/*.ts'))).toEqual([]);
});

test('no two tests have the same title', () => {
  const fileByTitle = new Map<string, string>();
  const duplicates: string[] = [];
  for (const file of filesLike('tests/**/*.test.ts')) {
    const titles = titlesIn(parseSync(textOf(file), { syntax: 'typescript', decorators: true }));
    expect([file, titles.length > 0]).toEqual([file, true]);
    for (const title of titles) {
      if (fileByTitle.has(title))
        duplicates.push(`${title}: ${fileByTitle.get(title)} and ${file}`);
      fileByTitle.set(title, file);
    }
  }

  expect(duplicates).toEqual([]);
});

test('package.json allows or denies the install script of each package by name', () => {
  const decided = JSON.parse(textOf('package.json')).allowScripts as Record<string, boolean>;
  const withScripts = Object.entries(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));

  expect(withScripts.filter((name) => decided[name] === undefined)).toEqual([]);
  expect(Object.keys(decided).filter((name) => !withScripts.includes(name))).toEqual([]);
});

test('the lock file has the packages of every platform, with versions and checksums and without addresses', () => {
  const flaws = Object.entries(lock.packages).flatMap(([path, entry]) => [
    ...(path !== '' && entry.version === undefined ? [`${path} has no version`] : []),
    ...(path !== '' && entry.integrity === undefined ? [`${path} has no checksum`] : []),
    ...(entry.resolved === undefined ? [] : [`${path} names an address`]),
    ...Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !isLocked(name, path))
      .map((name) => `${name}, required by ${path || 'package.json'}, is missing`),
  ]);

  expect(flaws).toEqual([]);
});

test('package.json names exact versions', () => {
  const loose = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'].flatMap(
    (group) =>
      Object.entries(manifest[group] ?? {}).filter(
        ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
      ),
  );

  expect(loose).toEqual([]);
});

/** Whether the lock has the package for `path`: a nested copy or the shared one. */
function isLocked(name: string, path: string): boolean {
  return `node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages;
}

/** The full titles of the tests in a parsed file, including those of their describes. */
function titlesIn(node: unknown, around = ''): string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((part) => titlesIn(part, around));
  const { verb, title } = calledIn(node as Call);
  if (verb === 'test' || verb === 'it') return [`${around}${title}`];
  const inside = verb === 'describe' ? `${around}${title} > ` : around;
  return Object.values(node).flatMap((part) => titlesIn(part, inside));
}

/** The parts of a call that identify `test('…', …)` or `test.each(…)('…', …)`. */
interface Call {
  readonly type?: string;
  readonly callee?: {
    readonly value?: string;
    readonly object?: { readonly value?: string };
  } & Call;
  readonly arguments?: readonly {
    readonly expression: {
      readonly value?: unknown;
      readonly quasis?: readonly { readonly raw: string }[];
    };
  }[];
}

function calledIn({ type, callee, arguments: given }: Call): { verb?: string; title?: string } {
  if (type !== 'CallExpression') return {};
  const each = callee?.type === 'CallExpression' ? callee.callee?.object?.value : undefined;
  const first = given?.[0]?.expression;
  const title = first?.quasis?.map(({ raw }) => raw).join('${}') ?? String(first?.value);
  return { verb: each ?? callee?.value, title };
}

test('the runbook of docs/operations.md names every migration, in order', () => {
  const [, applied = ''] = /^Applied: (.+)$/m.exec(textOf('docs/operations.md')) ?? [];
  const migrations = filesLike('src/migrations/Migration*.ts').map((file) => parse(file).name);

  expect(applied.split(', ')).toEqual(migrations);
});

test('every file that a benchmark names exists, with the same path as its type', () => {
  const named = filesLike('bench/*.ts')
    .flatMap((file) => [...textOf(file).matchAll(/'\.\.\/((?:src|tests)\/[^']+\.\w+)'/g)])
    .map(([, path]) => path!);
  const built = [
    ...textOf('bench/reference-shop.ts').matchAll(/import\('([^']+)'\)>\(\s*'([^']+)'/g),
  ];

  expect(named.filter((path) => filesLike(path).length === 0)).toEqual([]);
  expect(built.filter(([, type, source]) => type !== source)).toEqual([]);
  expect(built.length).toBeGreaterThan(5);
});

test('only one file locks a stock row', () => {
  const takers = linesLike(
    /\bshop\.lockStock\(|createQueryBuilder\(StockLevelTable/,
    filesLike('src/**/*.ts'),
  );

  expect(new Set(takers.map((line) => line.split(':')[0]))).toEqual(
    new Set(['src/shop/stock/locked-stock.ts']),
  );
});
