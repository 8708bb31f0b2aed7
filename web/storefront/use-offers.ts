import { useEffect, useState } from 'react';
import { newestOf } from '../../docs/examples/newest.ts';
import { answered, backoffMs, followed } from '../../docs/examples/retry.ts';
import {
  OfferChangedDocument,
  OffersDocument,
  type OfferFragment,
} from './generated/operations.ts';
import { shop } from './shop.ts';

/** The products of the shop as they are now. */
export interface Offers {
  /** Null until they are loaded. */
  readonly products: readonly OfferFragment[] | null;
  /** Whether the shop did not answer; it is asked again. */
  readonly isAway: boolean;
  /** The server's clock at `performance.now()` 0: the buyer's own clock may be wrong. */
  readonly clockStartMs: number;
}

/** `answered` has tried eight times: further tries wait up to ten seconds. */
const TRIED = 8;

/**
 * Loads the products and follows each change, also after a lost connection. However often the stream sends, the
 * page renders at most once for each frame of the screen.
 */
export function useOffers(): Offers {
  const [offers, setOffers] = useState<Offers>({ products: null, isAway: false, clockStartMs: 0 });
  useEffect(() => {
    const newest = new Map<string, OfferFragment>();
    let frame: number | undefined;
    let clockStartMs = 0;
    let stop = (): void => {};
    let isOver = false;
    const take = (product: OfferFragment): void => {
      const known = newest.get(product.id);
      newest.set(product.id, known === undefined ? product : newestOf(known, product));
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        setOffers({ products: [...newest.values()], isAway: false, clockStartMs });
      });
    };
    const open = async (): Promise<void> => {
      const { serverTime, products } = await answered(() => shop.query(OffersDocument, {}));
      if (isOver) return;
      clockStartMs = Date.parse(serverTime) - performance.now();
      setOffers({ products: [], isAway: false, clockStartMs });
      products.nodes.forEach(take);
      const ids = products.nodes.map(({ id }) => id);
      if (ids.length === 0) return;
      stop = followed(
        (failed) =>
          shop.subscribe(
            OfferChangedDocument,
            { ids },
            { next: ({ stockChanged }) => take(stockChanged), failed },
          ),
        () => {},
      );
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const openLater = (): void => {
      if (isOver) return;
      setOffers({ products: null, isAway: true, clockStartMs });
      timer = setTimeout(() => open().catch(openLater), backoffMs(TRIED));
    };
    open().catch(openLater);
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, []);
  return offers;
}
