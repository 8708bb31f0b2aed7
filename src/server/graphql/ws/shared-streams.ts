import {
  createSourceEventStream,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { Broadcast, type Listener } from '../../../live/broadcast.ts';
import type { StockedProduct } from '../../../shop/stock/find-stocked.ts';
import { LiveProducts } from '../../../live/live-products.ts';
import type { BackpressuredSocket, Speaker } from './backpressured-socket.ts';
import type { Results, Subscribed } from './socket-streams.ts';

/** What one subscriber asked, checked and ready to be executed. */
export interface Asked {
  readonly args: ExecutionArgs;
  /** Equal for those who may be told the same text: same document, operation, variables and rights. */
  readonly sameness: string;
  /** The subscription's id on its socket. */
  readonly id: string;
  readonly line: BackpressuredSocket;
}

/** What a `next` message carries of a result: errors as the caller may see them. */
export type Payload = (result: ExecutionResult, args: ExecutionArgs) => ExecutionResult;

type StockAudience = Broadcast<StockedProduct, string>;

/**
 * Subscriptions, of which those that ask the same are one: one source, and one execution and one
 * JSON text of each event for all of them, by however many sockets they come. A subscriber can't
 * tell it from an execution of its own.
 *
 * Only live stock has an audience; every other stream is one buyer's, and is executed for that one.
 */
export class SharedStreams {
  readonly #payload: Payload;
  /** By sameness, while it is opened and has listeners; undefined: there is nothing to share. */
  readonly #audiences = new Map<string, Promise<StockAudience | undefined>>();

  constructor(payload: Payload) {
    this.#payload = payload;
  }

  /** Subscribes as graphql-js does, but that a shared stream yields nothing: it writes to the line. */
  async subscribe(asked: Asked): Promise<Subscribed> {
    const underWay = this.#audiences.get(asked.sameness);
    // Opened in this same turn, so that whoever comes in the next finds it.
    if (underWay === undefined) return this.#open(asked);
    const audience = await underWay;
    const isThere = this.#audiences.get(asked.sameness) === underWay;
    // Dispersed meanwhile, or not opened: what was not there a moment ago may be there now.
    return audience !== undefined && isThere ? new Seat(asked, audience) : this.#open(asked);
  }

  /** How many audiences there are, those being opened included. */
  get size(): number {
    return this.#audiences.size;
  }

  async #open({ args, sameness, id, line }: Asked): Promise<Subscribed> {
    const opening = createSourceEventStream(args);
    const forget = (): void => {
      if (this.#audiences.get(sameness) === gathering) this.#audiences.delete(sameness);
    };
    const gathering = opening.then(
      (source) => (source instanceof LiveProducts ? this.#gather(source, args, forget) : undefined),
      () => undefined,
    );
    this.#audiences.set(sameness, gathering);
    const audience = await gathering;
    if (audience !== undefined) return new Seat({ id, line }, audience);
    forget();
    const source = await opening;
    return Symbol.asyncIterator in source
      ? mapStream(source, (value) => execute({ ...args, rootValue: value }))
      : source;
  }

  #gather(source: LiveProducts, args: ExecutionArgs, onEmpty: () => void): StockAudience {
    const render = async (value: StockedProduct): Promise<string> =>
      JSON.stringify(this.#payload(await execute({ ...args, rootValue: value }), args));
    return new Broadcast(source, render, onEmpty);
  }
}

/**
 * One subscriber in an audience. To graphql-ws it is a stream that never yields; what it is told it
 * says on its line, of each product the newest, in a frame that differs from its neighbours' only
 * in the id.
 */
class Seat implements Results, Listener<string>, Speaker {
  readonly #line: BackpressuredSocket;
  readonly #audience: StockAudience;
  readonly #head: string;
  /** Payloads that wait for the line, by product. */
  readonly #waiting = new Map<number, string>();
  readonly #over = Promise.withResolvers<IteratorResult<ExecutionResult>>();

  constructor({ id, line }: Pick<Asked, 'id' | 'line'>, audience: StockAudience) {
    this.#line = line;
    this.#audience = audience;
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    // A failure that comes before anyone waits for it is told to whoever asks then.
    this.#over.promise.catch(() => {});
    audience.join(this);
  }

  tell(productId: number, payload: string): void {
    this.#waiting.set(productId, payload);
    this.#line.ask(this);
  }

  fail(error: unknown): void {
    this.#leaveLine();
    this.#over.reject(error);
  }

  speak(): string {
    const [[productId, payload]] = this.#waiting as unknown as [[number, string]];
    this.#waiting.delete(productId);
    if (this.#waiting.size > 0) this.#line.ask(this);
    return `${this.#head}${payload}}`;
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    return this.#over.promise;
  }

  return(): Promise<IteratorResult<ExecutionResult>> {
    this.#audience.leave(this);
    this.#leaveLine();
    const done = { done: true, value: undefined } as const;
    this.#over.resolve(done);
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #leaveLine(): void {
    this.#waiting.clear();
    this.#line.forget(this);
  }
}

/** Each value of a stream, changed; ending either ends both. */
function mapStream<In, Out>(
  stream: AsyncIterable<In>,
  change: (value: In) => Out | Promise<Out>,
): AsyncIterableIterator<Out> {
  const values = stream[Symbol.asyncIterator]();
  const mapped = async (result: Promise<IteratorResult<In>>): Promise<IteratorResult<Out>> => {
    const { done, value } = await result;
    return done ? { done, value: undefined } : { done: false, value: await change(value) };
  };
  return {
    next: () => mapped(values.next()),
    return: () => mapped(values.return!()),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
