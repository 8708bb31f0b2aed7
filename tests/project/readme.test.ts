import type { GraphQLEnumType } from 'graphql';
import { SETTINGS } from '../../src/config/settings.table.ts';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { namesIn, tableOf, textOf } from '../support/project.ts';

const README = textOf('README.md');

test('the README’s table of settings names every setting with its default, and no other', () => {
  const shown = tableOf(README, 'name').map(([name, byDefault]) => [
    namesIn(name!)[0],
    byDefault!.replaceAll('`', ''),
  ]);

  expect(shown).toEqual(
    Object.entries(SETTINGS).map(([name, { shownDefault }]) => [name, shownDefault]),
  );
});

test('the README’s table of refusals has every code there is, and no other', () => {
  const shown = tableOf(README, 'code').flatMap(([code]) => namesIn(code!));

  expect(shown.toSorted()).toEqual(refusalCodes().toSorted());
});

test('GraphQL’s ErrorCode has every code of a refusal, and no other', () => {
  const codes = buildShopSchema().getType('ErrorCode') as GraphQLEnumType;

  expect(
    codes
      .getValues()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(refusalCodes().toSorted());
});

/** The codes of src/shop/refusal.ts, read from its text: they are types and gone when it runs. */
function refusalCodes(): string[] {
  const text = textOf('src/shop/refusal.ts');
  const codes = [...text.matchAll(/RefusalOf<((?:\s*\|?\s*'[A-Z_]+')+)\s*>/g)]
    .flatMap(([, union]) => union!.split('|'))
    .map((code) => code.trim().replaceAll("'", ''));
  // An error of the request, told among GraphQL's errors and no member of RefusalCode.
  return codes.filter((code) => code !== 'BAD_USER_INPUT');
}
