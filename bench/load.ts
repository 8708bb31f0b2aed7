import { Connection, type OnAnswer, type Post } from '../src/rehearsal/connection.ts';

/** One kind of request: what is sent, and what its answers may be. */
export interface Operation {
  /** The next request: the body of a GraphQL request, which is JSON in ASCII, or a post. */
  body(): string | Post;
  /** The answer in one word. */
  outcome(status: number, body: string): string;
  /** The word that counts as served. */
  readonly served: string;
  /** Other words that are no failure of the run. */
  readonly refusals?: readonly string[];
  /**
   * The same buyer's next call, made from the body of a served answer. The run counts the last call
   * only, with the time since the first was sent. All calls have the same word for served.
   */
  next?(body: string): Operation;
}

/** A GraphQL request. */
export interface GraphqlOperation extends Operation {
  body(): string;
}

/** The length of a run: a time, a number of answered requests, or as long as a condition holds. */
export type Extent =
  { readonly forMs: number } | { readonly requests: number } | { readonly while: () => boolean };

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
    const tally = new Tally(operation.served, extent);
    let toSend = 'requests' in extent ? extent.requests : Infinity;
    const isOver = (): boolean =>
      toSend <= 0 || tally.isOver || ('while' in extent && !extent.while());
    let active = this.#connections.length;
    return new Promise((resolve, reject) => {
      const turn = (connection: Connection): void => {
        if (isOver()) {
          active -= 1;
          if (active === 0) resolve(tally.end());
          return;
        }
        toSend -= 1;
        const sentAt = performance.now();
        const send = (call: Operation): void => {
          const take: OnAnswer = (status, body) => {
            const outcome = call.outcome(status, body);
            if (outcome !== call.served && !call.refusals?.includes(outcome))
              return reject(new Error(`Unexpected answer: ${status} ${body}`));
            if (outcome === call.served && call.next !== undefined) return send(call.next(body));
            tally.count(outcome, sentAt);
            turn(connection);
          };
          connection.exchange(call.body(), take, reject);
        };
        send(operation);
      };
      this.#connections.forEach(turn);
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
