import { AsyncLocalStorage } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const RANDOM_BYTES = 16;

/** Random bytes for 256 ids: one call of the generator costs as much as a call for one id. */
const randomBytes = new Uint8Array(256 * RANDOM_BYTES);
let used = randomBytes.length;

/** The millisecond of the last id, and its place among the ids of that millisecond. */
const last = { msecs: 0, seq: 0 };

/**
 * A new UUIDv7. Ids of one process sort in the order of their creation, also within one millisecond
 * (RFC 9562, section 6.2), so inserts go to the end of an index. Given random bytes, the package leaves the
 * order to its caller.
 */
export function newId(): string {
  if (used === randomBytes.length) {
    randomFillSync(randomBytes);
    used = 0;
  }
  const random = randomBytes.subarray(used, (used += RANDOM_BYTES));
  const msecs = Date.now();
  if (msecs > last.msecs) {
    last.msecs = msecs;
    // 31 random bits, so that many ids of one millisecond fit after the first.
    last.seq = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
  } else {
    last.seq = (last.seq + 1) | 0;
    if (last.seq === 0) last.msecs += 1;
  }
  return v7({ random, msecs: last.msecs, seq: last.seq });
}

/** The lowest UUIDv7 of an instant. */
export function firstIdAt(instant: Date): string {
  const hex = Math.max(0, instant.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
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

const currentRequest = new AsyncLocalStorage<string>();

/** Runs `work` with this request id, which every log line of the work has. */
export function asRequest<T>(id: string, work: () => T): T {
  return currentRequest.run(id, work);
}

/** The id of the current request; undefined outside of requests. */
export function requestId(): string | undefined {
  return currentRequest.getStore();
}
