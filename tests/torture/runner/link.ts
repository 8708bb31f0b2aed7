import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseLink } from '../../../src/rehearsal/database-link.ts';

/** The network between the servers of a run and their database: it can lose the answers and break. */
export class Link implements AsyncDisposable {
  /** The URL of the database through the link. */
  readonly url: string;
  readonly #link: DatabaseLink;
  readonly #state: { losesAnswers: boolean };

  private constructor(link: DatabaseLink, state: { losesAnswers: boolean }) {
    this.url = link.url;
    this.#link = link;
    this.#state = state;
  }

  static async open(databaseUrl: string): Promise<Link> {
    const state = { losesAnswers: false };
    const link = await DatabaseLink.open(
      databaseUrl,
      (chunk, server) => void (state.losesAnswers || server.write(chunk)),
    );
    return new Link(link, state);
  }

  /**
   * Loses every answer for some milliseconds and then breaks all connections: the servers do not know the
   * outcome of the commits of this time.
   */
  async breakAfterLosingAnswers(ms: number): Promise<void> {
    this.#state.losesAnswers = true;
    await delay(ms);
    this.#link.cut();
    this.#state.losesAnswers = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }
}
