import pg from 'pg';

/** One statement as it was sent. */
export interface SentStatement {
  /** Its text on one line. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Notices go out on a line of their own, when they please: they belong to no work. */
const NOTICE = /pg_notify/;

/** The statements that this process sent while `work` ran, in order; without notices. */
export async function sentStatements(work: () => Promise<unknown>): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  // Called with its own `this` again below.
  // oxlint-disable-next-line unbound-method
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [string | SentStatement, unknown[] | undefined];
    const { text, values } = typeof first === 'string' ? { text: first, values: second } : first;
    if (!NOTICE.test(text))
      sent.push({ text: text.replace(/\s+/g, ' ').trim(), values: values ?? [] });
    return (query as (...given: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return sent;
}

/** Their texts alone. */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await sentStatements(work)).map(({ text }) => text);
}
