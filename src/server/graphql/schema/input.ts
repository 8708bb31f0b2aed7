import { validateSync, type ValidationArguments } from 'class-validator';
import { ArgumentValidationError } from 'type-graphql';

/**
 * Text that Postgres and JSON can both store: no NUL, no half of a surrogate pair. With the `u` flag
 * a complete pair is one character and not in the range.
 */
export const TEXT = {
  pattern: /^[^\0\uD800-\uDFFF]*$/u,
  message: '$property must not contain NUL or lone surrogates',
};

/**
 * A whole number of 1 or more. The message is built here because class-validator does not replace
 * `$value` for null.
 */
export const ONE_OR_MORE = {
  message: ({ property, value }: ValidationArguments): string =>
    `${property} is ${String(value)}; it must be 1 or more`,
};

/** The admin's reason for an action. The audit log keeps it permanently. */
export const REASON = { max: 500, message: '$property must be 1 to 500 characters' };

/** A random key chosen by the client: 16 to 128 printable ASCII characters. */
export const IDEMPOTENCY_KEY = {
  pattern: /^[\x20-\x7e]{16,128}$/,
  message: '$property must be 16 to 128 printable ASCII characters',
};

/**
 * Checks an input by its class-validator decorators. An argument opts in with `validateFn`, because
 * TypeGraphQL's own validation imports the validator for each operation and awaits it.
 *
 * @throws ArgumentValidationError with every failed constraint
 */
export function checkInput(input: object | undefined): void {
  const errors = validateSync(input ?? {}, { forbidUnknownValues: false });
  if (errors.length > 0) throw new ArgumentValidationError(errors);
}
