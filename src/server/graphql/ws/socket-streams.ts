import type { ExecutionResult } from 'graphql';

/** Results as they come. */
export type Results = AsyncIterableIterator<ExecutionResult>;

/** What subscribing gives: results as they come, or why there are none. */
export type Subscribed = Results | ExecutionResult;

/**
 * The streams of one socket: so many at most, opening ones included, and none outlives it. The
 * protocol's own bookkeeping goes by the ids that the client gives, and loses sight of a stream
 * whose id is given up and used again while it is being opened.
 */
export class SocketStreams {
  readonly #max: number;
  readonly #open = new Set<Results>();
  #taken = 0;
  #isOver = false;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many there are. */
  get count(): number {
    return this.#taken;
  }

  /** Takes a place for a stream that is about to be opened; false where all are taken. */
  take(): boolean {
    if (this.#taken >= this.#max) return false;
    this.#taken += 1;
    return true;
  }

  /** Gives a place back that was taken for nothing. */
  giveBack(): void {
    this.#taken -= 1;
  }

  /** Fills a place that was taken; it is free again when the stream is over, or was none. */
  async fill(opening: Promise<Subscribed>): Promise<Subscribed> {
    try {
      const subscribed = await opening;
      if (Symbol.asyncIterator in subscribed) return this.#keep(subscribed);
      this.giveBack();
      return subscribed;
    } catch (error) {
      this.giveBack();
      throw error;
    }
  }

  /** Ends all of them: the socket is closed. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#open].map((stream) => stream.return!()));
  }

  #keep(stream: Results): Results {
    const free = (): void => {
      if (this.#open.delete(kept)) this.giveBack();
    };
    const kept: Results = {
      next: async () => {
        try {
          const result = await stream.next();
          if (result.done) free();
          return result;
        } catch (error) {
          free();
          throw error;
        }
      },
      return: () => {
        free();
        return stream.return!();
      },
      [Symbol.asyncIterator]: () => kept,
    };
    this.#open.add(kept);
    // Closed while it was being opened.
    if (this.#isOver) void kept.return!();
    return kept;
  }
}
