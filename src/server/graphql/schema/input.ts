import { validateSync, type ValidationArguments } from 'class-validator';
import { ArgumentValidationError } from 'type-graphql';

/**
 * Text that Postgres and JSON can both hold: no NUL, no half of a surrogate pair. With the `u` flag
 * a proper pair is one character and not in the range.
 */
export const TEXT = {
  pattern: /^[^\0\uD800-\uDFFF]*$/u,
  message: '$property must not contain NUL or lone surrogates',
};

/**
 * A whole number of 1 or more. The text is put together here: class-validator's `$value` stays as it
 * is for null.
 */
export const ONE_OR_MORE = {
  message: ({ property, value }: ValidationArguments): string =>
    `${property} is ${String(value)}; it must be 1 or more`,
};

/** The operator's own words for an act: they stand in the record for good. */
export const REASON = { max: 500, message: '$property must be 1 to 500 characters' };

/** A client's own randomness: 16 to 128 printable ASCII characters. */
export const IDEMPOTENCY_KEY = {
  pattern: /^[\x20-\x7e]{16,128}$/,
  message: '$property must be 16 to 128 printable ASCII characters',
};

/**
 * Checks an input by its class-validator decorators; named by each argument that needs it.
 * TypeGraphQL's own way imports the validator anew for each operation and awaits it.
 *
 * @throws ArgumentValidationError with every complaint
 */
export function checkInput(input: object | undefined): void {
  const errors = validateSync(input ?? {}, { forbidUnknownValues: false });
  if (errors.length > 0) throw new ArgumentValidationError(errors);
}
