import {
  createSourceEventStream,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { Broadcast, type Subscriber } from '../../../live/broadcast.ts';
import type { StockedProduct } from '../../../shop/stock/find-stocked.ts';
import { LiveProducts } from '../../../live/live-products.ts';
import type { BackpressuredSocket, FrameSource } from './backpressured-socket.ts';
import { isStream, type Results, type Subscribed } from './socket-streams.ts';

/** A checked subscription, ready to be executed. */
export interface SubscriptionRequest {
  readonly args: ExecutionArgs;
  /** Equal for subscriptions with the same results: document, operation, variables and rights. */
  readonly shareKey: string;
  /** The subscription's id on its socket. */
  readonly id: string;
  readonly socket: BackpressuredSocket;
}

/** Formats a result for a `next` message: with errors as the caller may see them. */
export type FormatResult = (result: ExecutionResult, args: ExecutionArgs) => ExecutionResult;

type StockBroadcast = Broadcast<StockedProduct, string>;

/**
 * Executes subscriptions. Equal ones share a broadcast: one source, and one execution and one JSON
 * text of each event for all their sockets. To a client it is the same as an execution of its own.
 *
 * Only live stock is shared; every other stream belongs to one buyer and is executed separately.
 */
export class SharedStreams {
  readonly #formatResult: FormatResult;
  /** By share key, while a broadcast opens or has subscribers; undefined if it is not shared. */
  readonly #broadcasts = new Map<string, Promise<StockBroadcast | undefined>>();

  constructor(formatResult: FormatResult) {
    this.#formatResult = formatResult;
  }

  /** Subscribes as graphql-js does, but a shared stream yields nothing: it writes to the socket. */
  async subscribe(request: SubscriptionRequest): Promise<Subscribed> {
    const opening = this.#broadcasts.get(request.shareKey);
    // Opened synchronously, so that the next equal request finds it.
    if (opening === undefined) return this.#open(request);
    const broadcast = await opening;
    // It may have ended during the wait: a broadcast without subscribers cannot be joined.
    const isCurrent = this.#broadcasts.get(request.shareKey) === opening;
    return broadcast !== undefined && isCurrent
      ? new SharedSubscription(request, broadcast)
      : this.#open(request);
  }

  /** Number of broadcasts, including those being opened. */
  get size(): number {
    return this.#broadcasts.size;
  }

  async #open({ args, shareKey, id, socket }: SubscriptionRequest): Promise<Subscribed> {
    const openingSource = createSourceEventStream(args);
    const remove = (): void => {
      if (this.#broadcasts.get(shareKey) === opening) this.#broadcasts.delete(shareKey);
    };
    const opening = openingSource.then(
      (source) =>
        source instanceof LiveProducts ? this.#broadcastOf(source, args, remove) : undefined,
      () => undefined,
    );
    this.#broadcasts.set(shareKey, opening);
    const broadcast = await opening;
    if (broadcast !== undefined) return new SharedSubscription({ id, socket }, broadcast);
    remove();
    const source = await openingSource;
    return isStream(source)
      ? mapStream(source, (value) => execute({ ...args, rootValue: value }))
      : source;
  }

  #broadcastOf(source: LiveProducts, args: ExecutionArgs, onEmpty: () => void): StockBroadcast {
    const render = async (value: StockedProduct): Promise<string> =>
      JSON.stringify(this.#formatResult(await execute({ ...args, rootValue: value }), args));
    return new Broadcast(source, render, onEmpty);
  }
}

/**
 * One subscriber of a broadcast. To graphql-ws it is a stream that never yields. It writes the newest
 * payload of each product directly to its socket, because the frames of all subscribers differ only in
 * the id.
 */
class SharedSubscription implements Results, Subscriber<string>, FrameSource {
  readonly #socket: BackpressuredSocket;
  readonly #broadcast: StockBroadcast;
  readonly #head: string;
  /** Payloads to send, by product. */
  readonly #unsent = new Map<number, string>();
  readonly #end = Promise.withResolvers<IteratorResult<ExecutionResult>>();

  constructor(
    { id, socket }: Pick<SubscriptionRequest, 'id' | 'socket'>,
    broadcast: StockBroadcast,
  ) {
    this.#socket = socket;
    this.#broadcast = broadcast;
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    // An error before the first `next` is no unhandled rejection: `next` returns it.
    this.#end.promise.catch(() => {});
    broadcast.subscribe(this);
  }

  deliver(productId: number, payload: string): void {
    this.#unsent.set(productId, payload);
    this.#socket.requestSend(this);
  }

  fail(error: unknown): void {
    this.#discard();
    this.#end.reject(error);
  }

  nextFrame(): string {
    const [[productId, payload]] = this.#unsent as unknown as [[number, string]];
    this.#unsent.delete(productId);
    if (this.#unsent.size > 0) this.#socket.requestSend(this);
    return `${this.#head}${payload}}`;
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    return this.#end.promise;
  }

  return(): Promise<IteratorResult<ExecutionResult>> {
    this.#broadcast.unsubscribe(this);
    this.#discard();
    const done = { done: true, value: undefined } as const;
    this.#end.resolve(done);
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #discard(): void {
    this.#unsent.clear();
    this.#socket.cancel(this);
  }
}

/** Maps each value of a stream; ending either stream ends both. */
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
