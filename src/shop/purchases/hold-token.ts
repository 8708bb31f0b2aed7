import { createHmac, timingSafeEqual } from 'node:crypto';
import { isUuid } from '../../lib/ids.ts';

/**
 * The hold token: `<holdId>.<HMAC-SHA256(secret, holdId)>`. It authorizes every call for the hold, its
 * order and their subscriptions. It is computed from the id and not stored. A dump of the database
 * contains no usable token, and a repeated createHold returns the same one.
 */
export class HoldTokens {
  readonly #secrets: readonly string[];

  /** @param secrets newest first; the first signs, all verify */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /** The token of this hold. */
  issue(holdId: string): string {
    return `${holdId}.${sign(this.#secrets[0]!, holdId)}`;
  }

  /** Verifies a token and returns the id of its hold, in constant time and without the database. */
  holdIdOf(token: string): string | undefined {
    const [holdId = '', signature = '', ...rest] = token.split('.', 3);
    if (rest.length > 0 || !isUuid(holdId)) return undefined;
    const given = Buffer.from(signature);
    const genuine = this.#secrets.some((secret) => {
      const expected = Buffer.from(sign(secret, holdId));
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    return genuine ? holdId : undefined;
  }
}

function sign(secret: string, holdId: string): string {
  return createHmac('sha256', secret).update(holdId).digest('base64url');
}
