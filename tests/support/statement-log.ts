import pg from 'pg';

/** One sent statement. */
export interface SentStatement {
  /** The text on one line. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Change notifications are sent at any time on their own connection, so they do not count. */
const NOTICE = /pg_notify/;

/** The statements that this process sent while `work` ran, in order, without change notifications. */
export async function sentStatements(work: () => Promise<unknown>): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  // The wrapper below calls it with the client as `this`.
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

/** Like `sentStatements`, but only the texts. */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await sentStatements(work)).map(({ text }) => text);
}
