/** Formats of figures, money and times, in the reader's language and time zone. */
const COUNT = new Intl.NumberFormat();
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A whole number with separators. */
export function count(value: number): string {
  return COUNT.format(value);
}

/** An instant of the server, in this browser's time zone; a dash for none. */
export function time(iso: string | null | undefined): string {
  return iso == null ? '–' : TIME.format(new Date(iso));
}

/** An amount as the server sent it: a decimal text is never made a float. */
export function money(value: { amount: string; currency: string } | null | undefined): string {
  return value == null ? '–' : `${value.amount} ${value.currency}`;
}

/** A duration in the largest unit that fits: "42 s", "3 min", "5 h", "2 d". */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** The value of an input of type datetime-local for an instant; empty for none. */
export function toLocalInput(iso: string | null | undefined): string {
  if (iso == null) return '';
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The instant of an input of type datetime-local; null if it is empty. */
export function fromLocalInput(value: string): string | null {
  return value === '' ? null : new Date(value).toISOString();
}
