import type { ExecutionResult } from 'graphql';

/** The results of one subscription. */
export type Results = AsyncIterableIterator<ExecutionResult>;

/** The answer to a subscription: its results, or the errors that prevented it. */
export type Subscribed = Results | ExecutionResult;

/** Whether a subscription was opened. graphql-js separates the two by this property alone. */
export function isStream<Value>(
  answer: AsyncIterable<Value> | ExecutionResult,
): answer is AsyncIterable<Value> {
  return Symbol.asyncIterator in answer;
}

/**
 * The streams of one socket, including those being opened. Their number is limited, and the end of the
 * socket ends them. graphql-ws tracks streams by the client's ids. It loses a stream whose id is
 * completed and used again while the stream is being opened.
 */
export class SocketStreams {
  readonly #max: number;
  readonly #open = new Set<Results>();
  #reserved = 0;
  #isEnded = false;

  constructor(max: number) {
    this.#max = max;
  }

  /** Number of streams. */
  get count(): number {
    return this.#reserved;
  }

  /** Reserves a place for a stream; false if the maximum is reached. */
  reserve(): boolean {
    if (this.#reserved >= this.#max) return false;
    this.#reserved += 1;
    return true;
  }

  /** Releases a reserved place. */
  release(): void {
    this.#reserved -= 1;
  }

  /** Adds the stream of a reserved place, which is released when the stream ends or was not opened. */
  async add(opening: Promise<Subscribed>): Promise<Subscribed> {
    try {
      const subscribed = await opening;
      if (isStream(subscribed)) return this.#track(subscribed);
      this.release();
      return subscribed;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Ends all streams, after the socket closed. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await Promise.all([...this.#open].map((stream) => stream.return!()));
  }

  #track(stream: Results): Results {
    const release = (): void => {
      if (this.#open.delete(tracked)) this.release();
    };
    const tracked: Results = {
      next: async () => {
        try {
          const result = await stream.next();
          if (result.done) release();
          return result;
        } catch (error) {
          release();
          throw error;
        }
      },
      return: () => {
        release();
        return stream.return!();
      },
      [Symbol.asyncIterator]: () => tracked,
    };
    this.#open.add(tracked);
    // The socket closed while the stream was being opened.
    if (this.#isEnded) void tracked.return!();
    return tracked;
  }
}
