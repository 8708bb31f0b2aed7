import type { Context } from '../context.ts';

/**
 * Checks the HMAC of a hold token before anything else uses it, without a database query. An invalid
 * token counts against the limit of its address; a valid one always passes.
 *
 * @throws RateLimited after too many invalid tokens from this address
 */
export async function limitInvalidToken(
  { shop, caller, limits }: Context,
  token: string,
): Promise<void> {
  if (shop.holdTokens.holdIdOf(token) === undefined) await limits.count('tokens', caller);
}
