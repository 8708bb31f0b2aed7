import type { ConnectionOptions } from 'node:tls';

/** Where one database of several is. */
export interface Host {
  readonly host: string;
  readonly port: number;
  /** Undefined: clear text. */
  readonly tls: ConnectionOptions | undefined;
}

/**
 * The hosts of a cluster, of which one takes writes. New sessions connect to the candidate. A host that
 * fails, or takes no writes, makes the next one the candidate.
 */
export class HostList {
  readonly all: readonly Host[];
  #index = 0;
  #writable: Host | undefined;

  /** @param all at least one, in the order in which they are tried */
  constructor(all: readonly Host[]) {
    this.all = all;
  }

  /** The host for the next session. */
  get candidate(): Host {
    return this.all[this.#index]!;
  }

  /** A session could not use this host. Many may fail together, and move the candidate once. */
  failed(host: Host): void {
    if (host === this.candidate) this.#index = (this.#index + 1) % this.all.length;
  }

  /** A session on this host may write. */
  confirmed(host: Host): void {
    // A late answer of a host that has failed since counts for nothing.
    if (host === this.candidate) this.#writable = host;
  }

  /** Whether another host takes the writes, so that sessions on this one must close. */
  isAbandoned(host: Host): boolean {
    return this.#writable !== undefined && this.#writable !== host;
  }
}
