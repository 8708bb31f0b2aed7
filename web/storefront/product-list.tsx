import { Picture } from './picture.tsx';
import { SaleState } from './sale-state.tsx';
import { StockBar } from './stock-bar.tsx';
import type { OfferFragment } from './generated/operations.ts';
import { money } from './words.ts';

/** All products, each with its live stock. */
export function ProductList({
  products,
  clockStartMs,
}: {
  readonly products: readonly OfferFragment[];
  readonly clockStartMs: number;
}) {
  return (
    <>
      <h1>Products</h1>
      {products.length === 0 && <p>There are no products.</p>}
      <ul className="products">
        {products.map((product) => (
          <li key={product.id} className="card">
            <Picture url={product.imageUrl} />
            <h2>
              <a href={`#/product/${product.id}`}>{product.name}</a>
            </h2>
            <p className="price">{money(product.price)}</p>
            <SaleState product={product} clockStartMs={clockStartMs} />
            <StockBar product={product} />
          </li>
        ))}
      </ul>
    </>
  );
}
