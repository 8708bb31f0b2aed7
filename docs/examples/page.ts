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

/** The state that the screen shows. Every change is a new object, for any view library or none. */
export interface Screen {
  readonly product: ShownProductFragment | null;
  readonly stock: ShownStockFragment | null;
  readonly hold: ShownHoldFragment | null;
  readonly order: ShownOrderFragment | null;
  /** The remaining time to order or, for an order, to pay. */
  readonly leftMs: number;
  /** Whether an answer is awaited: the buttons are disabled. */
  readonly waiting: boolean;
  /** The refusal of the last request; `offerAfter` returns what to offer. */
  readonly refusal: Refusal | null;
  /** Why there was no answer. A retry with the same button is safe. */
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
 * decides nothing: a hold ends when the stream sends it, not when the countdown is at 0.
 */
export class CheckoutPage {
  readonly #shop: ShopClient;
  readonly #productId: string;
  readonly #show: (screen: Screen) => void;
  readonly #customerId: string | undefined;
  #screen = EMPTY;
  #wish: CreateHoldInput | undefined;
  #stopStock: Stop = () => {};
  #stopPurchase: Stop = () => {};
  #stopCountdown: Stop = () => {};

  /** @param customerId the buyer; needed if the product has a limit for each customer */
  constructor(
    shop: ShopClient,
    productId: string,
    show: (screen: Screen) => void,
    customerId?: string,
  ) {
    this.#shop = shop;
    this.#productId = productId;
    this.#show = show;
    this.#customerId = customerId;
  }

  /** The current state. */
  get screen(): Screen {
    return this.#screen;
  }

  /** Shows the product and then its live stock. */
  async open(): Promise<void> {
    const productIds = [this.#productId];
    this.#stopStock = this.#watch(StockChangedDocument, { productIds }, ({ stockChanged }) =>
      this.#setProduct(stockChanged),
    );
    const data = await this.#ask(() => this.#shop.query(ProductDocument, { id: this.#productId }));
    if (data?.product) this.#setProduct(data.product);
  }

  /**
   * Holds units. Until a request has an answer, further clicks repeat it with the same key and return
   * the same hold. Another quantity, or a click after an answer, is a new request.
   */
  async reserve(quantity: number): Promise<void> {
    if (this.#wish?.quantity !== quantity) {
      const idempotencyKey = crypto.randomUUID();
      const customerId = this.#customerId ?? null;
      this.#wish = { productId: this.#productId, quantity, customerId, idempotencyKey };
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
   * Follows the hold of this token, and its order. After a reload the token is enough: keep it in
   * sessionStorage, as secret as a password.
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

  /** Returns the units: cancels the order if there is one, else releases the hold. */
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

  /** Ends all subscriptions; the shop's client stays open for the next page. */
  close(): void {
    this.#stopStock();
    this.#stopPurchase();
    this.#stopCountdown();
  }

  /**
   * Answers of the query and values of the stream arrive in any order. The newest value of each field
   * is shown.
   */
  #setProduct(next: ShownProductFragment): void {
    const shown = this.#screen.product;
    const product = shown === null ? next : newestOf(shown, next);
    this.#change({ product, stock: product });
  }

  #setHold(hold: ShownHoldFragment): void {
    // An answer that is older than the stream: an ended hold never becomes active again.
    if (hold.status === 'ACTIVE' && isOver(this.#screen.hold, 'ACTIVE')) return;
    this.#change({ hold });
    // After createOrder the deadline of the order counts.
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

  /** The answer; null for a refusal or a failure, which the screen then shows. */
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
