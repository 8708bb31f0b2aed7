import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Order, Report } from './screens-process.ts';

/** Runs the screens of bench/screens-process.ts, sockets that watch one product, in a child process. */
export class Screens {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('The process of the screens has exited.');
    });
    this.#ended.catch(() => {});
  }

  /** Opens the sockets; resolves when each has received its first state. */
  static async open(watch: Omit<Order & { do: 'watch' }, 'do'>): Promise<Screens> {
    const child = fork(join(import.meta.dirname, 'screens-process.ts'), {
      serialization: 'advanced',
    });
    const screens = new Screens(child);
    await screens.#request({ do: 'watch', ...watch });
    return screens;
  }

  /** Starts to record every message. */
  async record(): Promise<void> {
    await this.#request({ do: 'record' });
  }

  /** Stops the recording. */
  async stopRecord(): Promise<void> {
    await this.#request({ do: 'stopRecord' });
  }

  /** The figures of the recording, which must be stopped. */
  async count(first: number, committedAt: readonly number[]): Promise<Report> {
    return (await this.#request({ do: 'count', first, committedAt }))!;
  }

  /** The screens that `stalled` chose stop reading. */
  async stall(): Promise<void> {
    await this.#request({ do: 'stall' });
  }

  /** The stalled screens read again. */
  async readAgain(): Promise<void> {
    await this.#request({ do: 'readAgain' });
  }

  async close(): Promise<void> {
    await this.#request({ do: 'leave' });
    this.#child.disconnect();
    await this.#ended.catch(() => {});
  }

  async #request(order: Order): Promise<Report | undefined> {
    const answer = once(this.#child, 'message') as Promise<[{ report?: Report; error?: string }]>;
    this.#child.send(order);
    const [{ report, error }] = await Promise.race([answer, this.#ended]);
    if (error !== undefined) throw new Error(error);
    return report;
  }
}
