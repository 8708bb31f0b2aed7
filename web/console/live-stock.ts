import { useApolloClient } from '@apollo/client/react';
import { useEffect, useRef, useState } from 'react';
import { StockDocument, type StockSubscription } from './generated/operations.ts';

/** Stock and sale of a product as the stream sends them. */
export type LiveProduct = StockSubscription['stockChanged'];

/** The live products by id, and whether the stream sends. */
export interface LiveStock {
  readonly products: ReadonlyMap<string, LiveProduct>;
  readonly isLive: boolean;
}

const NONE: LiveStock = { products: new Map(), isLive: false };

/**
 * Subscribes to the stock of these products, at most 50. However often the stream sends, the view renders at most
 * once for each frame of the screen.
 */
export function useLiveStock(ids: readonly string[]): LiveStock {
  const client = useApolloClient();
  const [stock, setStock] = useState(NONE);
  const newest = useRef(new Map<string, LiveProduct>());
  const key = ids.join();
  useEffect(() => {
    if (key === '') return;
    let frame: number | undefined;
    const show = (): void => {
      frame = undefined;
      setStock({ products: new Map(newest.current), isLive: true });
    };
    const subscription = client
      .subscribe({ query: StockDocument, variables: { ids: key.split(',') } })
      .subscribe(({ data }) => {
        if (!data) return setStock(({ products }) => ({ products, isLive: false }));
        newest.current.set(data.stockChanged.id, data.stockChanged);
        frame ??= requestAnimationFrame(show);
      });
    return () => {
      subscription.unsubscribe();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [client, key]);
  return stock;
}
