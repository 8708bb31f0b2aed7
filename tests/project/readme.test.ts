import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GraphQLEnumType } from 'graphql';
import { SETTINGS } from '../../src/config/settings.table.ts';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { HOLD_STATUSES } from '../../src/shop/purchases/status.rules.ts';
import { filesLike, namesIn, ROOT, tableOf, textOf } from '../support/project.ts';

test('the README has at most 150 lines', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

test('every link between the documents names a file and a heading that exist', () => {
  expect(filesLike('*.md', 'docs/**/*.md').flatMap(brokenLinksIn)).toEqual([]);
});

test('docs/configuration.md lists exactly the settings, each with its default', () => {
  const shown = tableOf(textOf('docs/configuration.md'), 'name').map(([name, byDefault]) => [
    namesIn(name!)[0],
    byDefault!.replaceAll('`', ''),
  ]);

  expect(shown).toEqual(
    Object.entries(SETTINGS).map(([name, { shownDefault }]) => [name, shownDefault]),
  );
});

test('.env.example lists every setting, commented out', () => {
  const lines = textOf('.env.example').split('\n').filter(Boolean);
  const named = lines.flatMap((line) => /^# ([A-Z_]+)=/.exec(line)?.[1] ?? []);

  expect(named).toEqual(Object.keys(SETTINGS));
  expect(lines.filter((line) => !line.startsWith('#'))).toEqual([]);
});

test('every log message that docs/operations.md lists is in the code', () => {
  const code = filesLike('src/**/*.ts').map(textOf).join('\n');
  const listed = tableOf(textOf('docs/operations.md'), 'message').map(
    ([cell]) => namesIn(cell!)[0]!,
  );
  const missing = listed.filter(
    (message) => !message.split('…').every((part) => code.includes(part.trim())),
  );

  expect(missing).toEqual([]);
});

test('docs/api.md lists exactly the codes of refusals', () => {
  const shown = tableOf(textOf('docs/api.md'), 'code').flatMap(([code]) => namesIn(code!));

  expect(shown.toSorted()).toEqual(refusalCodes().toSorted());
});

test('GraphQL’s ErrorCode has exactly the codes of refusals', () => {
  const codes = buildShopSchema().getType('ErrorCode') as GraphQLEnumType;

  expect(
    codes
      .getValues()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(refusalCodes().toSorted());
});

/** Relative links of a Markdown file whose file or heading does not exist. */
function brokenLinksIn(file: string): string[] {
  const links = [...textOf(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
  return links.flatMap(([link, path, heading]) => {
    const target = path === '' ? file : join(dirname(file), path!);
    const exists = existsSync(join(ROOT, target));
    const isRight = exists && (heading === undefined || anchorsOf(target).includes(heading));
    return isRight ? [] : [`${file}: ${link}`];
  });
}

/** The anchors that GitHub gives the headings of a Markdown file. */
function anchorsOf(file: string): string[] {
  return [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The codes of src/shop/refusal.ts, read from its text, because types do not exist at run time. */
function refusalCodes(): string[] {
  const text = textOf('src/shop/refusal.ts');
  const codes = [...text.matchAll(/RefusalOf<((?:\s*\|?\s*'[A-Z_]+')+)\s*>/g)]
    .flatMap(([, union]) => union!.split('|'))
    .map((code) => code.trim().replaceAll("'", ''));
  if (text.includes('RefusalOf<`HOLD_${EndedHoldStatus}`>'))
    codes.push(...HOLD_STATUSES.slice(1).map((status) => `HOLD_${status}`));
  // GraphQL reports this error of the request in `errors`; it is no member of RefusalCode.
  return codes.filter((code) => code !== 'BAD_USER_INPUT');
}
