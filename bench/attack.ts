import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AttackOrder, AttackReport, HeavyLoad, Target } from './attackers.ts';

/** Runs the attackers of bench/attackers.ts, which send the whole hostile corpus, in a child process. */
export class Attack {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('The attacker process has exited.');
    });
    this.#ended.catch(() => {});
  }

  /** Starts the process and builds its requests. */
  static async on(at: Target): Promise<Attack> {
    // The corpus imports the shop's decorated classes, which need a transpiler.
    const execArgv = ['--import', '@oxc-node/core/register'];
    const attack = new Attack(fork(join(import.meta.dirname, 'attackers.ts'), { execArgv }));
    await attack.#request({ do: 'aim', at });
    return attack;
  }

  /** Sends the whole corpus once, evenly over this time. */
  async run(overMs: number): Promise<AttackReport> {
    return (await this.#request({ do: 'attack', overMs }))!;
  }

  /** Sends heavy documents only. */
  async sendHeavy(load: HeavyLoad): Promise<AttackReport> {
    return (await this.#request({ do: 'sendHeavy', ...load }))!;
  }

  async close(): Promise<void> {
    this.#child.disconnect();
    await this.#ended.catch(() => {});
  }

  async #request(order: AttackOrder): Promise<AttackReport | undefined> {
    const answer = once(this.#child, 'message') as Promise<
      [{ report?: AttackReport; error?: string }]
    >;
    this.#child.send(order);
    const [{ report, error }] = await Promise.race([answer, this.#ended]);
    if (error !== undefined) throw new Error(error);
    return report;
  }
}
