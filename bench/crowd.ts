import { Connection, Tally, type Operation, type Run } from './load.ts';

/** How much is offered, whatever is answered. */
export interface Offer {
  readonly perSecond: number;
  readonly forMs: number;
}

/** What became of what was offered. */
export interface CrowdRun extends Run {
  /** Arrivals for whom no connection was free: all of them waited for the server. */
  readonly leftOutside: number;
}

/** How often the clock is looked at for those who have arrived since. */
const TICK_MS = 1;

/**
 * Buyers who come by the clock and not when the last was answered: an open loop, over as many
 * keep-alive connections as there are. It offers a server more than it can take.
 */
export class Crowd {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  /** Connects a hundred at a time, which is fewer than a listening socket keeps waiting. */
  static async connect(url: string, count: number): Promise<Crowd> {
    const connections: Connection[] = [];
    while (connections.length < count) {
      const some = Array.from({ length: Math.min(100, count - connections.length) }, () =>
        Connection.open(url),
      );
      connections.push(...(await Promise.all(some)));
    }
    return new Crowd(connections);
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
        // The one that has rested longest: a server closes those that rest for seconds.
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
