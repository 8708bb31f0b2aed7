/** A refusal of the server: its code and one sentence. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A member of a result union. */
interface Result {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
}

/**
 * The result of an act if it has this type.
 *
 * @throws Refused with the server's code and sentence for every other type
 */
export function settled<R extends { readonly __typename: string }, Name extends R['__typename']>(
  result: R | undefined,
  name: Name,
): Extract<R, { readonly __typename: Name }> {
  if (result?.__typename === name) return result as Extract<R, { readonly __typename: Name }>;
  const { code = 'UNKNOWN', message = 'The server refused.' } = (result ?? {}) as Partial<Result>;
  throw new Refused(code, message);
}
