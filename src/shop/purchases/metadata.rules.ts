/** The client's own notes on a hold and its order: a flat object of strings. */
export type Metadata = Readonly<Record<string, string>>;

/** Maximum entries. */
const ENTRIES_MAX = 20;

/** With the flag u, a surrogate pair is one character. */
const VALUE = /^.{0,500}$/su;

const KEY = /^[A-Za-z0-9_.-]{1,40}$/;

/** Text that Postgres and JSON can both store: no NUL, no half of a surrogate pair. */
const STORABLE = /^[^\0\uD800-\uDFFF]*$/u;

/**
 * Why these notes are refused, a sentence without its full stop; undefined if they are valid. The key
 * `__proto__` is refused, because copying it into an object changes the object's prototype.
 */
export function metadataComplaint(metadata: Metadata): string | undefined {
  const entries = Object.entries(metadata);
  if (entries.length > ENTRIES_MAX)
    return `metadata has ${entries.length} entries; it may have at most ${ENTRIES_MAX}`;
  for (const [key, value] of entries) {
    if (!KEY.test(key) || key === '__proto__')
      return 'metadata has a key that is not 1 to 40 letters, digits or _ . -, or is __proto__';
    if (!VALUE.test(value)) return 'metadata has a value of more than 500 characters';
    if (!STORABLE.test(value)) return 'metadata has a value with NUL or a lone surrogate';
  }
  return undefined;
}

/** Whether two notes are the same; the order of their keys does not count. */
export function isSameMetadata(first: Metadata, second: Metadata): boolean {
  const keys = Object.keys(first);
  return (
    keys.length === Object.keys(second).length &&
    keys.every((key) => Object.hasOwn(second, key) && first[key] === second[key])
  );
}
