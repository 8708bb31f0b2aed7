import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AttackOrder, AttackReport, Burden, Target } from './attackers.ts';

/** Attackers in a process of their own, with the whole hostile corpus. */
export class Attack {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('The attackers are gone.');
    });
    this.#ended.catch(() => {});
  }

  /** Has them make ready. */
  static async on(at: Target): Promise<Attack> {
    // The corpus lies beside the tests and comes with the shop's own decorated classes.
    const execArgv = ['--import', '@oxc-node/core/register'];
    const attack = new Attack(fork(join(import.meta.dirname, 'attackers.ts'), { execArgv }));
    await attack.#tell({ do: 'aim', at });
    return attack;
  }

  /** Sends the whole corpus once, evenly over this time. */
  async run(overMs: number): Promise<AttackReport> {
    return (await this.#tell({ do: 'attack', overMs }))!;
  }

  /** Sends heavy documents only. */
  async burden(burden: Burden): Promise<AttackReport> {
    return (await this.#tell({ do: 'burden', ...burden }))!;
  }

  async close(): Promise<void> {
    this.#child.disconnect();
    await this.#ended.catch(() => {});
  }

  async #tell(order: AttackOrder): Promise<AttackReport | undefined> {
    const answer = once(this.#child, 'message') as Promise<
      [{ told?: AttackReport; error?: string }]
    >;
    this.#child.send(order);
    const [{ told, error }] = await Promise.race([answer, this.#ended]);
    if (error !== undefined) throw new Error(error);
    return told;
  }
}
