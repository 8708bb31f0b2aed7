import pg from 'pg';

/** One statement as it was sent. */
export interface SentStatement {
  /** Its text on one line. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The statements that this process sent while `work` ran, in order. */
export async function sentStatements(work: () => Promise<unknown>): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  // Called with its own `this` again below.
  // oxlint-disable-next-line unbound-method
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [string | SentStatement, unknown[] | undefined];
    const { text, values } = typeof first === 'string' ? { text: first, values: second } : first;
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
