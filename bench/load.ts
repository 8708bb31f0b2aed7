import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One kind of request: what is sent, and what its answers may be. */
export interface Operation {
  /** The next request's body: JSON in ASCII. */
  body(): string;
  /** The answer in one word. */
  outcome(status: number, body: string): string;
  /** The word that counts as served. */
  readonly served: string;
  /** Other words that are no failure of the run. */
  readonly refusals?: readonly string[];
}

/** The length of a run: a time, or a number of answered requests. */
export type Extent = { readonly forMs: number } | { readonly requests: number };

/** The result of a run. */
export interface Run {
  /** Requests served a second; in a timed run, those within the time, until the last of them. */
  readonly rate: number;
  /** Until the last answer. */
  readonly tookMs: number;
  /** Of every answer, ascending. */
  readonly latenciesMs: Float64Array;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Counts the answers of a run as they arrive. */
export class Tally {
  readonly #served: string;
  readonly #forMs: number;
  readonly #startedAt = performance.now();
  readonly #latenciesMs: number[] = [];
  readonly #outcomes: Record<string, number> = {};
  #servedInTime = 0;
  #lastServedMs = 0;

  constructor(served: string, extent: Extent) {
    this.#served = served;
    this.#forMs = 'forMs' in extent ? extent.forMs : Infinity;
  }

  get isOver(): boolean {
    return performance.now() - this.#startedAt >= this.#forMs;
  }

  count(outcome: string, sentAt: number): void {
    const answeredAt = performance.now();
    this.#latenciesMs.push(answeredAt - sentAt);
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    const atMs = answeredAt - this.#startedAt;
    if (outcome !== this.#served || atMs > this.#forMs) return;
    this.#servedInTime += 1;
    this.#lastServedMs = atMs;
  }

  end(): Run {
    return {
      // Answers arrive in batches, so the time after the last one does not count.
      rate: (this.#servedInTime * 1000) / this.#lastServedMs,
      tookMs: performance.now() - this.#startedAt,
      latenciesMs: Float64Array.from(this.#latenciesMs).toSorted(),
      outcomes: this.#outcomes,
    };
  }
}

type OnAnswer = (status: number, body: string) => void;

/**
 * One buyer's keep-alive connection. It implements only the HTTP that our servers use: a status line, a
 * content-length, a body, one request at a time. Node's own client would cost more CPU than the server
 * under measurement.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #head: string;
  #onAnswer: OnAnswer = () => {};
  #onLost: (error: Error) => void = () => {};
  #answer = '';

  private constructor(socket: Socket, host: string) {
    this.#socket = socket.setNoDelay(true);
    this.#head = `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: `;
    socket.on('data', (chunk) => this.#take(chunk.toString('latin1')));
    socket.on('error', (error) => this.#onLost(error));
    socket.on('close', () => this.#onLost(new Error('A connection was closed.')));
  }

  /** Opens a connection and sends one request, so that no run includes the cost of connecting. */
  static async open(url: string): Promise<Connection> {
    const { host, hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const connection = new Connection(socket, host);
    await new Promise<void>((resolve, reject) => {
      connection.exchange('{"query":"{ __typename }"}', () => resolve(), reject);
    });
    return connection;
  }

  exchange(body: string, onAnswer: OnAnswer, onLost: (error: Error) => void): void {
    this.#onAnswer = onAnswer;
    this.#onLost = onLost;
    this.#socket.write(`${this.#head}${body.length}\r\n\r\n${body}`, 'latin1');
  }

  close(): void {
    this.#onLost = () => {};
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#answer += text;
    const bodyAt = this.#answer.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1]);
    if (Number.isNaN(length)) return this.#onLost(new Error(`No length: ${this.#answer}`));
    if (this.#answer.length < bodyAt + length) return;
    const answer = this.#answer;
    this.#answer = '';
    this.#onAnswer(Number(answer.slice(9, 12)), answer.slice(bodyAt));
  }
}

/** Buyers at their keep-alive connections, each sending its next request when its last is answered. */
export class Buyers {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  static async connect(url: string, count: number): Promise<Buyers> {
    const opening = Array.from({ length: count }, () => Connection.open(url));
    return new Buyers(await Promise.all(opening));
  }

  /** Runs the closed loop. @throws where any answer is none that the operation may have */
  run(operation: Operation, extent: Extent): Promise<Run> {
    const expected = [operation.served, ...(operation.refusals ?? [])];
    const tally = new Tally(operation.served, extent);
    let toSend = 'requests' in extent ? extent.requests : Infinity;
    let active = this.#connections.length;
    return new Promise((resolve, reject) => {
      const turn = (connection: Connection): void => {
        if (toSend <= 0 || tally.isOver) {
          active -= 1;
          if (active === 0) resolve(tally.end());
          return;
        }
        toSend -= 1;
        const sentAt = performance.now();
        const take: OnAnswer = (status, body) => {
          const outcome = operation.outcome(status, body);
          if (!expected.includes(outcome))
            return reject(new Error(`Unexpected answer: ${status} ${body}`));
          tally.count(outcome, sentAt);
          turn(connection);
        };
        connection.exchange(operation.body(), take, reject);
      };
      this.#connections.forEach(turn);
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** The value below which `percent` percent of the figures lie. */
export function percentile(ascending: ArrayLike<number>, percent: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * percent) / 100))]!;
}
