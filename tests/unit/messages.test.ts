import { getMetadataStorage, validateSync, ValidationTypes } from 'class-validator';
import { SETTINGS } from '../../src/config/settings.table.ts';
import { readSettings, SettingsError } from '../../src/config/settings.ts';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { checkInput } from '../../src/server/graphql/schema/input.ts';

/** The texts that a message contains when its template was not filled in. */
const NOT_RENDERED = /\$|undefined|NaN|\[object|\{\}|=>/;

/** Values of every kind that can arrive in an input; each is wrong for some check. */
const VALUES = [null, '', 'x'.repeat(10_000), '\0', 0, -1, 1.5, true];

/** The messages for a value, from all checks of its class for the field. */
function complaintsOf(target: object, field: string, value: unknown): string[] {
  const input = Object.assign(Object.create(target) as object, { [field]: value });
  try {
    checkInput(input);
    return [];
  } catch (error) {
    const { extensions } = error as { extensions: { validationErrors: readonly Failure[] } };
    return extensions.validationErrors
      .filter(({ property }) => property === field)
      .flatMap(({ constraints = {} }) => Object.values(constraints));
  }
}

interface Failure {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, string>>;
}

test('each message of each check of each input names its field and renders its values', () => {
  buildShopSchema();
  const checks = [...getMetadataStorage()['validationMetadatas'].values()]
    .flat()
    .filter(({ type }) => type !== ValidationTypes.CONDITIONAL_VALIDATION);
  const fields = new Set(checks.map(({ target, propertyName }) => [target, propertyName] as const));
  const seen = new Set<string>();

  for (const [target, field] of fields) {
    const { name, prototype } = target as new () => object;
    for (const value of VALUES) {
      for (const message of complaintsOf(prototype as object, field, value)) {
        seen.add(`${name}.${field}`);
        expect([name, message]).toEqual([name, expect.stringMatching(new RegExp(`^${field} `))]);
        expect(message).not.toMatch(NOT_RENDERED);
      }
    }
  }
  expect(checks.length).toBeGreaterThan(15);
  // Each check refuses at least one value, so that each message is covered.
  expect([...seen].toSorted()).toEqual(
    [
      ...new Set(
        checks.map(({ target, propertyName }) => `${(target as Function).name}.${propertyName}`),
      ),
    ].toSorted(),
  );
});

test('an input is refused exactly when the validator refuses it', () => {
  buildShopSchema();
  const checks = [...getMetadataStorage()['validationMetadatas'].values()].flat();
  const byTarget = Map.groupBy(checks, ({ target }) => target as new () => object);
  const values = [...VALUES, undefined, 1, 'text', 'a-key-of-20-letters.', { note: 'x' }, { a: 1 }];
  let refused = 0;
  let accepted = 0;

  for (const [{ prototype }, ofTarget] of byTarget) {
    const fields = [...new Set(ofTarget.map(({ propertyName }) => propertyName))];
    for (let n = 0; n < values.length ** 2; n += 1) {
      const input = Object.create(prototype as object) as Record<string, unknown>;
      fields.forEach((field, index) => {
        input[field] =
          values[Math.floor(n / (index % 2 === 0 ? 1 : values.length)) % values.length];
      });
      const isRefused = validateSync(input, { forbidUnknownValues: false }).length > 0;
      expect([input, isThrown(() => checkInput(input))]).toEqual([input, isRefused]);
      if (isRefused) refused += 1;
      else accepted += 1;
    }
  }

  expect(refused).toBeGreaterThan(100);
  expect(accepted).toBeGreaterThan(100);
});

function isThrown(work: () => void): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

test('a message says null where a number is required', () => {
  buildShopSchema();
  const checks = [...getMetadataStorage()['validationMetadatas'].values()].flat();
  const { target } = checks.find(
    ({ target, propertyName }) =>
      propertyName === 'maxPerHold' && (target as Function).name === 'UpdateProductInput',
  )!;

  expect(complaintsOf((target as Function).prototype as object, 'maxPerHold', null)).toEqual([
    'maxPerHold is null; it must be 1 or more',
  ]);
});

test.each(Object.keys(SETTINGS))('each complaint about %s is one rendered line', (name) => {
  for (const text of ['x y', '-1', '1e9', '99999999999', ',', ' ', '\0', '$value', '{}', 'ü']) {
    try {
      // The folder cannot be created, so that each reading ends with a complaint and leaves no files.
      readSettings({ [name]: text, DATA_DIR: '/dev/null/none' }, 'no such .env file');
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      for (const complaint of (error as SettingsError).complaints) {
        expect(complaint).toMatch(/^[A-Z_]+ [^\n]+\.$/);
        expect(complaint.replaceAll(JSON.stringify(text), '')).not.toMatch(NOT_RENDERED);
      }
    }
  }
});
