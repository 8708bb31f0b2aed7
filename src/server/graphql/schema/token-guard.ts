import type { Context } from '../context.ts';

/**
 * Judges a hold token before anything else is done with it: by its HMAC and without the database.
 * One that opens nothing is counted for its sender; a right one always passes.
 *
 * @throws RateLimited when too many from this address opened nothing
 */
export async function limitInvalidToken(
  { shop, caller, limits }: Context,
  token: string,
): Promise<void> {
  if (shop.holdTokens.holdIdOf(token) === undefined) await limits.count('tokens', caller);
}
