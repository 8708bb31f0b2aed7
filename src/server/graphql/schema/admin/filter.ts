/** What stands in a filter for an id that nothing can have: its list is empty. */
export const NO_PRODUCT = 0;

/** The same for rows whose ids are UUIDs: the nil one, which is never made. */
export const NO_ROW = '00000000-0000-0000-0000-000000000000';

/** A filter that was given, read; null where it was not. */
export function filterOf<Value>(
  text: string | null | undefined,
  parse: (text: string) => Value | undefined,
  nothing: Value,
): Value | null {
  return text == null ? null : (parse(text) ?? nothing);
}
