import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { countDown } from './countdown.ts';
import {
  CancelOrderDocument,
  CreateHoldDocument,
  CreateOrderDocument,
  HoldChangedDocument,
  OrderChangedDocument,
  ProductDocument,
  ReleaseHoldDocument,
  StockChangedDocument,
  type CreateHoldInput,
  type ShownHoldFragment,
  type ShownOrderFragment,
  type ShownProductFragment,
  type ShownStockFragment,
} from './generated/operations.ts';
import { newestOf } from './newest.ts';
import { isRefusal, type Refusal } from './refusals.ts';
import { answered, followed } from './retry.ts';
import { CallFailed, type ShopClient, type Stop, type Variables } from './shop-client.ts';

/** All that the screen shows. Every change is a new value: it suits any view library, or none. */
export interface Screen {
  readonly product: ShownProductFragment | null;
  readonly stock: ShownStockFragment | null;
  readonly hold: ShownHoldFragment | null;
  readonly order: ShownOrderFragment | null;
  /** What is left to order or, once that is done, to pay. */
  readonly leftMs: number;
  /** Whether an answer is awaited: the buttons are off. */
  readonly waiting: boolean;
  /** Why the last wish was turned down; `offerAfter` says what to offer then. */
  readonly refusal: Refusal | null;
  /** Why there was no answer at all; pressing the same button again is safe. */
  readonly failure: CallFailed | null;
}

const EMPTY: Screen = {
  product: null,
  stock: null,
  hold: null,
  order: null,
  leftMs: 0,
  waiting: false,
  refusal: null,
  failure: null,
};

/**
 * One product's page, from the first query to the paid order. It shows what the server sends and
 * decides nothing itself: a hold is over when the stream says so, not when the countdown is at 0.
 */
export class CheckoutPage {
  readonly #shop: ShopClient;
  readonly #productId: string;
  readonly #show: (screen: Screen) => void;
  #screen = EMPTY;
  #wish: CreateHoldInput | undefined;
  #stopStock: Stop = () => {};
  #stopPurchase: Stop = () => {};
  #stopCountdown: Stop = () => {};

  constructor(shop: ShopClient, productId: string, show: (screen: Screen) => void) {
    this.#shop = shop;
    this.#productId = productId;
    this.#show = show;
  }

  /** What is shown now. */
  get screen(): Screen {
    return this.#screen;
  }

  /** Shows the product and, from now on, its live stock. */
  async open(): Promise<void> {
    const productIds = [this.#productId];
    this.#stopStock = this.#watch(StockChangedDocument, { productIds }, ({ stockChanged }) =>
      this.#setProduct(stockChanged),
    );
    const data = await this.#ask(() => this.#shop.query(ProductDocument, { id: this.#productId }));
    if (data?.product) this.#setProduct(data.product);
  }

  /**
   * Holds units. While a wish has no answer, a double click or a later one repeats it with the same
   * key and can only find the same hold; another quantity, or a click after an answer, is a new wish.
   */
  async reserve(quantity: number): Promise<void> {
    if (this.#wish?.quantity !== quantity) {
      const idempotencyKey = crypto.randomUUID();
      this.#wish = { productId: this.#productId, quantity, idempotencyKey };
    }
    const input = this.#wish;
    const hold = await this.#ask(async () => {
      const { createHold } = await this.#shop.mutate(CreateHoldDocument, { input });
      if (this.#wish === input) this.#wish = undefined;
      return createHold;
    });
    if (hold === null) return;
    this.resume(hold.token);
    this.#setHold(hold);
  }

  /**
   * Follows the hold of this token, and its order. After a reload it is all that is needed: keep the
   * token in sessionStorage, and as secret as a password.
   */
  resume(token: string): void {
    this.#stopPurchase();
    this.#change({ hold: null, order: null });
    const stops = [
      this.#watch(HoldChangedDocument, { token }, (data) => this.#setHold(data.holdChanged)),
      this.#watch(OrderChangedDocument, { token }, (data) => this.#setOrder(data.orderChanged)),
    ];
    this.#stopPurchase = () => stops.forEach((stop) => stop());
  }

  /** Turns the hold into an order, which then awaits its payment. Repeating it is safe. */
  async buy(): Promise<void> {
    const { hold } = this.#screen;
    if (hold === null) return;
    const { token } = hold;
    const order = await this.#ask(
      async () => (await this.#shop.mutate(CreateOrderDocument, { token })).createOrder,
    );
    if (order !== null) this.#setOrder(order);
  }

  /** Gives the units back: cancels the order if there is one, else releases the hold. */
  async giveBack(): Promise<void> {
    const { hold, order } = this.#screen;
    if (hold === null) return;
    const { token } = hold;
    if (order === null) {
      const released = await this.#ask(
        async () => (await this.#shop.mutate(ReleaseHoldDocument, { token })).releaseHold,
      );
      if (released !== null) this.#setHold(released);
    } else {
      const cancelled = await this.#ask(
        async () => (await this.#shop.mutate(CancelOrderDocument, { token })).cancelOrder,
      );
      if (cancelled !== null) this.#setOrder(cancelled);
    }
  }

  /** Lets go of everything; the shop's client stays open for the next page. */
  close(): void {
    this.#stopStock();
    this.#stopPurchase();
    this.#stopCountdown();
  }

  /** Answers of the query and values of the stream arrive in any order: the newest of each field is shown. */
  #setProduct(next: ShownProductFragment): void {
    const shown = this.#screen.product;
    const product = shown === null ? next : newestOf(shown, next);
    this.#change({ product, stock: product });
  }

  #setHold(hold: ShownHoldFragment): void {
    // An answer that the stream has overtaken: what is over never becomes active again.
    if (hold.status === 'ACTIVE' && isOver(this.#screen.hold, 'ACTIVE')) return;
    this.#change({ hold });
    // Once it is an order, the order's own time runs.
    if (hold.status !== 'CONVERTED') this.#countDown(hold.remainingMs);
  }

  #setOrder(order: ShownOrderFragment): void {
    if (order.status === 'PENDING' && isOver(this.#screen.order, 'PENDING')) return;
    this.#change({ order });
    this.#countDown(order.remainingMs);
  }

  #countDown(remainingMs: number): void {
    this.#stopCountdown();
    this.#stopCountdown = countDown(remainingMs, (leftMs) => this.#change({ leftMs }));
  }

  /** The answer; null where it is a refusal or none came, which the screen then shows. */
  async #ask<Answer extends object>(
    call: () => Promise<Answer>,
  ): Promise<Exclude<Answer, Refusal> | null> {
    this.#change({ waiting: true, refusal: null, failure: null });
    try {
      const answer = await answered(call);
      if (!isRefusal(answer)) return answer as Exclude<Answer, Refusal>;
      this.#change({ refusal: answer });
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      this.#change({ failure: error });
    } finally {
      this.#change({ waiting: false });
    }
    return null;
  }

  #watch<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
    next: (data: Data) => void,
  ): Stop {
    return followed(
      (failed) => this.#shop.subscribe(document, variables, { next, failed }),
      (failure) => this.#change({ failure }),
    );
  }

  #change(part: Partial<Screen>): void {
    this.#screen = { ...this.#screen, ...part };
    this.#show(this.#screen);
  }
}

function isOver(shown: { readonly status: string } | null, live: string): boolean {
  return shown !== null && shown.status !== live;
}
