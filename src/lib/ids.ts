import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const RANDOM_BYTES = 16;

/** Drawn for 256 ids at once: a draw costs as much for one as for all of them. */
const drawn = new Uint8Array(256 * RANDOM_BYTES);
let used = drawn.length;

/** Makes a new id: UUIDv7, so that ids made later sort later and land at the end of an index. */
export function newId(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  return v7({ random: drawn.subarray(used, (used += RANDOM_BYTES)) });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text has the form of a UUID, of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** An id out of the text a caller sent, in the one spelling that it is stored and locked under. */
export function parseUuid(text: string): string | undefined {
  return isUuid(text) ? text.toLowerCase() : undefined;
}
