import { useState } from 'react';
import type { Screen } from '../../docs/examples/page.ts';
import type { OfferFragment } from './generated/operations.ts';
import { Picture } from './picture.tsx';
import { SaleState } from './sale-state.tsx';
import { StockBar } from './stock-bar.tsx';
import { useCheckout, type Checkout } from './use-checkout.ts';
import { money, ORDER_TEXTS, REFUND_TEXTS, remaining } from './words.ts';

/** One product, and this buyer's purchase of it. */
export function ProductPage({
  product,
  clockStartMs,
}: {
  readonly product: OfferFragment;
  readonly clockStartMs: number;
}) {
  const checkout = useCheckout(product.id);
  const { screen, paymentProblem } = checkout;
  const problem = screen?.refusal?.message ?? paymentProblem ?? failureText(screen);
  return (
    <article>
      <h1>{product.name}</h1>
      <Picture url={product.imageUrl} />
      {product.description !== null && <p>{product.description}</p>}
      <p className="price">{money(product.price)}</p>
      <SaleState product={product} clockStartMs={clockStartMs} />
      <StockBar product={product} />
      <section aria-label="Your purchase" className="card">
        {screen === null ? (
          <p>Loading …</p>
        ) : (
          <Purchase product={product} screen={screen} checkout={checkout} />
        )}
        <p role="alert" className="problem">
          {problem}
        </p>
      </section>
    </article>
  );
}

function failureText(screen: Screen | null): string {
  if (screen === null || screen.failure === null) return '';
  return screen.failure.code === undefined
    ? 'The shop does not answer. The same button is safe to use again.'
    : screen.failure.message;
}

interface PurchaseProps {
  readonly product: OfferFragment;
  readonly screen: Screen;
  readonly checkout: Checkout;
}

/** The step of the purchase: hold, order, payment, or its end. */
function Purchase({ product, screen, checkout }: PurchaseProps) {
  const { hold, order } = screen;
  if (order !== null) return <Order screen={screen} checkout={checkout} />;
  if (hold === null) return <Reserve product={product} screen={screen} checkout={checkout} />;
  if (hold.status === 'CONVERTED') return <p>Loading your order …</p>;
  if (hold.status !== 'ACTIVE')
    return (
      <>
        <p>
          {hold.status === 'EXPIRED'
            ? 'Your hold has expired. The units are available again.'
            : 'You released the units.'}
        </p>
        <button onClick={checkout.startOver}>Start again</button>
      </>
    );
  return (
    <>
      <p>
        {hold.quantity} held for you, {money(hold.totalAmount)} in all.
      </p>
      <p className="clock">
        Order within <time>{remaining(screen.leftMs)}</time>
      </p>
      <button className="primary" disabled={screen.waiting} onClick={checkout.order}>
        Order
      </button>
      <button disabled={screen.waiting} onClick={checkout.giveBack}>
        Release
      </button>
    </>
  );
}

function Reserve({ product, screen, checkout }: PurchaseProps) {
  const [quantity, setQuantity] = useState(1);
  const isOpen = product.saleStatus === 'LIVE' && product.availableStock > 0;
  const most = Math.min(product.maxPerHold, product.maxPerCustomer ?? 20, 20);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        checkout.reserve(quantity);
      }}
    >
      <label>
        Quantity
        <select value={quantity} onChange={(event) => setQuantity(Number(event.target.value))}>
          {Array.from({ length: most }, (_, index) => (
            <option key={index}>{index + 1}</option>
          ))}
        </select>
      </label>
      <button className="primary" disabled={!isOpen || screen.waiting}>
        Hold
      </button>
      {product.maxPerCustomer !== null && (
        <p>At most {product.maxPerCustomer} for each customer.</p>
      )}
    </form>
  );
}

function Order({ screen, checkout }: Omit<PurchaseProps, 'product'>) {
  const order = screen.order!;
  return (
    <>
      <p className={`order ${order.status.toLowerCase()}`}>{ORDER_TEXTS[order.status]}</p>
      <p>Total: {money(order.totalAmount)}</p>
      {order.refunds.map(({ reason, status }) => (
        <p key={reason}>
          {REFUND_TEXTS[reason]} {status === 'RESOLVED' ? 'The money is on its way to you.' : ''}
        </p>
      ))}
      {order.status === 'PENDING' ? (
        <>
          <p className="clock">
            Pay within <time>{remaining(screen.leftMs)}</time>
          </p>
          <button className="primary" disabled={screen.waiting} onClick={checkout.pay}>
            Pay
          </button>
          <button disabled={screen.waiting} onClick={checkout.giveBack}>
            Cancel the order
          </button>
        </>
      ) : (
        <button onClick={checkout.startOver}>Buy again</button>
      )}
    </>
  );
}
