import type { OfferFragment } from './generated/operations.ts';
import { stockText } from './words.ts';

/** The stock as a bar and a sentence. Both are always there, so a change moves nothing on the page. */
export function StockBar({ product }: { readonly product: OfferFragment }) {
  const { availableStock, totalStock, name } = product;
  return (
    <div className="stock">
      <meter
        min={0}
        max={Math.max(1, totalStock)}
        value={availableStock}
        aria-label={`Available units of ${name}`}
      />
      <p>{stockText(product)}</p>
    </div>
  );
}
