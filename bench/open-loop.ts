import { Connection } from '../src/rehearsal/connection.ts';
import { Tally, type Operation, type Run } from './load.ts';

/** The offered load, independent of the answers. */
export interface Offer {
  readonly perSecond: number;
  readonly forMs: number;
}

/** The result of an open-loop run. */
export interface CrowdRun extends Run {
  /** Arrivals without a free connection: every connection was waiting for the server. */
  readonly leftOutside: number;
}

/** The interval between two checks for new arrivals. */
const TICK_MS = 1;

/**
 * Buyers who arrive at a fixed rate, whether or not the last was answered: an open loop, over as many
 * keep-alive connections as there are. It can offer a server more than its capacity.
 */
export class OpenLoop {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  /** Connects a hundred at a time, which is fewer than the backlog of a listening socket. */
  static async connect(url: string, count: number): Promise<OpenLoop> {
    const connections: Connection[] = [];
    while (connections.length < count) {
      const some = Array.from({ length: Math.min(100, count - connections.length) }, () =>
        Connection.open(url),
      );
      connections.push(...(await Promise.all(some)));
    }
    return new OpenLoop(connections);
  }

  /** Runs until the last is answered. @throws where an answer is none that the operation may have */
  async run(operation: Operation, { perSecond, forMs }: Offer): Promise<CrowdRun> {
    const expected = [operation.served, ...(operation.refusals ?? [])];
    const tally = new Tally(operation.served, { forMs });
    const idle = [...this.#connections];
    const startedAt = performance.now();
    let arrived = 0;
    let leftOutside = 0;
    await new Promise<void>((resolve, reject) => {
      const arrive = (): void => {
        // Use the connection that was idle longest: a server closes idle connections after seconds.
        const connection = idle.shift();
        if (connection === undefined) return void (leftOutside += 1);
        const sentAt = performance.now();
        const take = (status: number, body: string): void => {
          const outcome = operation.outcome(status, body);
          if (!expected.includes(outcome))
            return reject(new Error(`Unexpected answer: ${status} ${body}`));
          tally.count(outcome, sentAt);
          idle.push(connection);
        };
        connection.exchange(operation.body(), take, reject);
      };
      const clock = setInterval(() => {
        const due = Math.floor((Math.min(performance.now() - startedAt, forMs) * perSecond) / 1000);
        for (; arrived < due; arrived += 1) arrive();
        if (!tally.isOver || idle.length < this.#connections.length) return;
        clearInterval(clock);
        resolve();
      }, TICK_MS);
    });
    return { ...tally.end(), leftOutside };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
