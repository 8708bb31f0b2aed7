import { useEffect, useRef, useState } from 'react';
import { CheckoutPage, type Screen } from '../../docs/examples/page.ts';
import { answered } from '../../docs/examples/retry.ts';
import { StartPaymentDocument } from './generated/operations.ts';
import { shop } from './shop.ts';

/** What a buyer can do with one product. Repeating any of it is safe. */
export interface Checkout {
  /** Null until the first state arrives. */
  readonly screen: Screen | null;
  /** Why a payment could not be started; null if it could. */
  readonly paymentProblem: string | null;
  readonly reserve: (quantity: number) => void;
  readonly order: () => void;
  /** Sends the buyer to the page of the payment provider. */
  readonly pay: () => void;
  readonly giveBack: () => void;
  /** Forgets an ended purchase: the next one begins. */
  readonly startOver: () => void;
}

/** The token of this tab's purchase of a product: it survives a reload, and another tab has its own. */
const keyOf = (productId: string): string => `flash-sale-hold-${productId}`;

/** Where this browser's guest id is: the shop has no sign-in, so a limit counts for each browser. */
const GUEST = 'flash-sale-guest';

function guestId(): string {
  const id = localStorage.getItem(GUEST) ?? crypto.randomUUID();
  localStorage.setItem(GUEST, id);
  return id;
}

/** The purchase of one product in this tab, from the hold to the paid order. */
export function useCheckout(productId: string): Checkout {
  const [screen, setScreen] = useState<Screen | null>(null);
  const [paymentProblem, setPaymentProblem] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const page = useRef<CheckoutPage | null>(null);
  useEffect(() => {
    const show = (next: Screen): void => {
      if (next.hold !== null) sessionStorage.setItem(keyOf(productId), next.hold.token);
      setScreen(next);
    };
    const opened = new CheckoutPage(shop, productId, show, guestId());
    page.current = opened;
    void opened.open();
    const token = sessionStorage.getItem(keyOf(productId));
    if (token !== null) opened.resume(token);
    return () => opened.close();
  }, [productId, round]);

  const pay = async (): Promise<void> => {
    const token = page.current?.screen.hold?.token;
    if (token === undefined) return;
    const returnUrl = window.location.href;
    const { startPayment: started } = await answered(() =>
      shop.mutate(StartPaymentDocument, { token, returnUrl }),
    );
    if (started.__typename !== 'PaymentSession') return setPaymentProblem(started.message);
    if (started.url === null)
      return setPaymentProblem(`Pay with ${started.provider}: this page cannot show its form.`);
    window.location.assign(started.url);
  };
  return {
    screen,
    paymentProblem,
    reserve: (quantity) => void page.current?.reserve(quantity),
    order: () => void page.current?.buy(),
    pay() {
      setPaymentProblem(null);
      pay().catch((error: unknown) => setPaymentProblem((error as Error).message));
    },
    giveBack: () => void page.current?.giveBack(),
    startOver() {
      sessionStorage.removeItem(keyOf(productId));
      setScreen(null);
      setPaymentProblem(null);
      setRound(round + 1);
    },
  };
}
