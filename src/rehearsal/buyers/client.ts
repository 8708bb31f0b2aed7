import { Connection, type Post } from '../connection.ts';

/** The answer to a request, or why there is none. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'lost'; readonly reason: 'timeout' | 'connection lost' };

/** A browser waits longer, but no buyer does. */
const TIMEOUT_MS = 10_000;

const LOST: Answer = { kind: 'lost', reason: 'connection lost' };

/** Connections opened at once before the sale; more would overflow the backlog of a port. */
const OPENING = 100;

/** Keep-alive connections to the servers, as a load balancer keeps them. */
export class Client {
  readonly #pools: readonly ServerConnections[];
  readonly #inFlight = new Set<() => void>();

  constructor(urls: readonly string[], connectionsMax: number) {
    const each = Math.max(1, Math.floor(connectionsMax / urls.length));
    this.#pools = urls.map((url) => new ServerConnections(url, each));
  }

  get servers(): number {
    return this.#pools.length;
  }

  /** How often a request waited for a connection. */
  get waits(): number {
    return this.#pools.reduce((sum, { waits }) => sum + waits, 0);
  }

  /** Opens connections to all servers, `count` in total. */
  async open(count: number): Promise<void> {
    const each = Math.ceil(count / this.#pools.length);
    for (const pool of this.#pools) await pool.open(each);
  }

  /** Sends a request to a server. It never throws. */
  async send(server: number, request: string | Post): Promise<Answer> {
    const pool = this.#pools[server % this.#pools.length]!;
    let connection: Connection;
    try {
      connection = await pool.take();
    } catch {
      return LOST;
    }
    const answer = await this.#exchange(connection, request);
    if (answer.kind === 'lost') connection.close();
    pool.give(connection);
    return answer;
  }

  /** Sends a request and closes its connection at once, as a closed page does. */
  async abandon(server: number, request: string): Promise<void> {
    const pool = this.#pools[server % this.#pools.length]!;
    const connection = await pool.take().catch(() => undefined);
    if (connection === undefined) return;
    const sent = this.#exchange(connection, request);
    await new Promise((resolve) => setImmediate(resolve));
    connection.close();
    pool.give(connection);
    void sent;
  }

  /** Closes every connection; requests in flight are lost. */
  close(): void {
    for (const pool of this.#pools) pool.close();
    for (const end of this.#inFlight) end();
  }

  #exchange(connection: Connection, request: string | Post): Promise<Answer> {
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        clearTimeout(timeout);
        this.#inFlight.delete(end);
        resolve(answer);
      };
      const end = (): void => settle(LOST);
      const timeout = setTimeout(() => settle({ kind: 'lost', reason: 'timeout' }), TIMEOUT_MS);
      this.#inFlight.add(end);
      connection.exchange(
        request,
        // The connection reads bytes as Latin-1.
        (status, body) =>
          settle({
            kind: 'answered',
            status,
            body: Buffer.from(body, 'latin1').toString('utf8'),
          }),
        end,
      );
    });
  }
}

/** The connections to one server. */
class ServerConnections {
  waits = 0;
  readonly #url: string;
  readonly #max: number;
  readonly #idle: Connection[] = [];
  /** Continue the requests that wait for a connection, in order. */
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #isClosed = false;

  constructor(url: string, max: number) {
    this.#url = url;
    this.#max = max;
  }

  async open(count: number): Promise<void> {
    for (let left = Math.min(count, this.#max); left > 0; left -= OPENING) {
      const opening = Array.from({ length: Math.min(left, OPENING) }, () => this.#connect());
      for (const connection of await Promise.all(opening)) this.#idle.push(connection);
    }
  }

  /** A connection of the caller's own. @throws where the server cannot be reached */
  async take(): Promise<Connection> {
    for (;;) {
      if (this.#isClosed) throw new Error('The client is closed.');
      const idle = this.#idle.pop();
      if (idle?.isOpen) return idle;
      if (idle !== undefined) this.#open -= 1;
      else if (this.#open < this.#max) return this.#connect();
      else {
        this.waits += 1;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  /** Takes a connection for the next request. A closed one makes room for a new one. */
  give(connection: Connection): void {
    if (this.#isClosed) return connection.close();
    if (connection.isOpen) this.#idle.push(connection);
    else this.#open -= 1;
    this.#waiting.shift()?.();
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle) connection.close();
    for (const resume of this.#waiting) resume();
  }

  async #connect(): Promise<Connection> {
    this.#open += 1;
    try {
      return await Connection.connect(this.#url);
    } catch (error) {
      this.#open -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }
}
