import { useEffect, useState, useSyncExternalStore } from 'react';
import { ProductList } from './product-list.tsx';
import { ProductPage } from './product-page.tsx';
import { onConnection } from './shop.ts';
import { useOffers, type Offers } from './use-offers.ts';

function onHashChange(callback: () => void): () => void {
  window.addEventListener('hashchange', callback);
  return () => window.removeEventListener('hashchange', callback);
}

/** The product of the address; null for the list. */
function useProductId(): string | null {
  const hash = useSyncExternalStore(onHashChange, () => window.location.hash);
  return /^#\/product\/(\d+)$/.exec(hash)?.[1] ?? null;
}

/** The storefront: the list of products, or the page of one. */
export function App() {
  const offers = useOffers();
  const [isLost, setLost] = useState(false);
  useEffect(() => onConnection((isConnected) => setLost(!isConnected)), []);
  return (
    <>
      <header className="bar">
        <a href="#/">Flash sale</a>
      </header>
      <main>
        <p role="status" className="lost" hidden={!isLost}>
          The connection is lost. What you see may be out of date; it is opened again.
        </p>
        <View {...offers} />
      </main>
    </>
  );
}

function View({ products, isAway, clockStartMs }: Offers) {
  const productId = useProductId();
  if (products === null)
    return <p>{isAway ? 'The shop does not answer. It is asked again.' : 'Loading …'}</p>;
  if (productId === null) return <ProductList products={products} clockStartMs={clockStartMs} />;
  const product = products.find(({ id }) => id === productId);
  if (product !== undefined)
    return <ProductPage key={product.id} product={product} clockStartMs={clockStartMs} />;
  return (
    <>
      <h1>Not found</h1>
      <p>No product has this address.</p>
    </>
  );
}
