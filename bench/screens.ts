import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Order, Report } from './audience.ts';

/** Many sockets that watch one product, in a process of their own. */
export class Screens {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('The screens are gone.');
    });
    this.#ended.catch(() => {});
  }

  /** Opens them; each has its first state then. */
  static async open(watch: Omit<Order & { do: 'watch' }, 'do'>): Promise<Screens> {
    const child = fork(join(import.meta.dirname, 'audience.ts'), { serialization: 'advanced' });
    const screens = new Screens(child);
    await screens.#tell({ do: 'watch', ...watch });
    return screens;
  }

  /** From now on every message counts. */
  async record(): Promise<void> {
    await this.#tell({ do: 'record' });
  }

  /** From now on none does. */
  async stopRecord(): Promise<void> {
    await this.#tell({ do: 'stopRecord' });
  }

  /** What they received in the record, which is stopped. */
  async count(first: number, committedAt: readonly number[]): Promise<Report> {
    return (await this.#tell({ do: 'count', first, committedAt }))!;
  }

  /** Those that were to stall stop reading. */
  async stall(): Promise<void> {
    await this.#tell({ do: 'stall' });
  }

  /** Those that stopped reading go on. */
  async readAgain(): Promise<void> {
    await this.#tell({ do: 'readAgain' });
  }

  async close(): Promise<void> {
    await this.#tell({ do: 'leave' });
    this.#child.disconnect();
    await this.#ended.catch(() => {});
  }

  async #tell(order: Order): Promise<Report | undefined> {
    const answer = once(this.#child, 'message') as Promise<[{ told?: Report; error?: string }]>;
    this.#child.send(order);
    const [{ told, error }] = await Promise.race([answer, this.#ended]);
    if (error !== undefined) throw new Error(error);
    return told;
  }
}
