import { createHmac, timingSafeEqual } from 'node:crypto';
import { isUuid } from '../../lib/ids.ts';

/**
 * The hold token: `<holdId>.<HMAC-SHA256(secret, holdId)>`. It is the buyer's capability and opens
 * the hold, its order and their streams. Made from the id, it need not be stored (a dump of the
 * database holds no usable token) and a replayed createHold gives the same one.
 */
export class HoldTokens {
  readonly #secrets: readonly string[];

  /** @param secrets newest first; tokens are made with the first, and those of all are accepted */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /** The token that opens this hold. */
  issue(holdId: string): string {
    return `${holdId}.${sign(this.#secrets[0]!, holdId)}`;
  }

  /** The id of the hold that this token opens, judged in constant time and without the database. */
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
