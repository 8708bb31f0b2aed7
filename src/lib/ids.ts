import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const RANDOM_BYTES = 16;

/** Random bytes for 256 ids: one call of the generator costs as much as a call for one id. */
const randomBytes = new Uint8Array(256 * RANDOM_BYTES);
let used = randomBytes.length;

/** A new UUIDv7: later ids sort later, so inserts go to the end of an index. */
export function newId(): string {
  if (used === randomBytes.length) {
    randomFillSync(randomBytes);
    used = 0;
  }
  return v7({ random: randomBytes.subarray(used, (used += RANDOM_BYTES)) });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text has the form of a UUID, of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Parses a client's id into its lower-case spelling, which is stored and locked; undefined if invalid. */
export function parseUuid(text: string): string | undefined {
  return isUuid(text) ? text.toLowerCase() : undefined;
}
