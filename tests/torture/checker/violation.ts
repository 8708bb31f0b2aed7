import { lineOf, type Call } from './history.ts';

/** The checks, by the rule that each one verifies. */
export type Rule = 'stock' | 'keys' | 'money' | 'limits' | 'model' | 'answers';

/** A broken rule, and the calls that show it. */
export interface Violation {
  readonly rule: Rule;
  readonly message: string;
  readonly calls: readonly Call[];
}

/** Most calls that are shown with one violation. */
const CALLS_SHOWN = 40;

/** A violation as text: its sentence, then one line for each call. */
export function textOf({ rule, message, calls }: Violation): string {
  const lines = calls.slice(0, CALLS_SHOWN).map((call) => `    ${lineOf(call)}`);
  return [`  ${rule}: ${message}`, ...lines].join('\n');
}

/** Groups items by a key, in their order. */
export function groupBy<Item, Key>(
  items: Iterable<Item>,
  keyOf: (item: Item) => Key,
): Map<Key, Item[]> {
  return Map.groupBy(items, keyOf);
}
