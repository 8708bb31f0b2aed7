import { useEffect, useState } from 'react';
import { countDown } from '../../docs/examples/countdown.ts';
import type { OfferFragment } from './generated/operations.ts';
import { remaining } from './words.ts';

/**
 * Whether the sale is open. The countdown runs on the server's clock and decides nothing: the sale opens when
 * the stream sends it.
 */
export function SaleState({
  product: { saleStatus, saleStartsAt },
  clockStartMs,
}: {
  readonly product: OfferFragment;
  readonly clockStartMs: number;
}) {
  const [leftMs, setLeftMs] = useState(0);
  useEffect(() => {
    if (saleStatus !== 'UPCOMING' || saleStartsAt === null) return;
    return countDown(Date.parse(saleStartsAt) - clockStartMs - performance.now(), setLeftMs);
  }, [saleStatus, saleStartsAt, clockStartMs]);
  const texts = {
    UPCOMING: `The sale opens in ${remaining(leftMs)}`,
    LIVE: 'The sale is open',
    PAUSED: 'The sale is paused for the moment',
    ENDED: 'The sale is over',
  };
  return <p className={`sale ${saleStatus.toLowerCase()}`}>{texts[saleStatus]}</p>;
}
