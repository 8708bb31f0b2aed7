import { useApolloClient } from '@apollo/client/react';
import { useEffect, useMemo, useState } from 'react';
import {
  ServerTimeDocument,
  TimelineDocument,
  type ProductFieldsFragment,
} from '../generated/operations.ts';
import type { LiveProduct } from '../live-stock.ts';
import { Badge } from '../parts/badge.tsx';
import { count, duration } from '../parts/format.ts';
import { secondsToSellOut, sumOf, type Point, type Rates } from '../sale-figures.ts';
import { Curve, type CurveData } from './curve.tsx';

/** How often the course is read again. */
const TIMELINE_MS = 5000;

/** Steps of the course: fine enough for the widest screen, a third of the server's limit. */
const STEPS = 300;

interface SaleProps {
  readonly product: ProductFieldsFragment;
  readonly stock: Omit<LiveProduct, '__typename'>;
  readonly isLive: boolean;
  readonly rates: Rates | null;
}

/** One sale: its figures, and the course of its units. */
export function Sale({ product, stock, isLive, rates }: SaleProps) {
  const course = useCourse(product);
  const { availableStock, heldStock, soldStock, totalStock } = stock;
  const recent = course.slice(-RECENT);
  const left = secondsToSellOut(recent, totalStock - soldStock);
  const figures = [
    ['Available', count(availableStock), 'available'],
    ['Held', count(heldStock), 'held'],
    ['Sold', count(soldStock), 'sold'],
    ['Revenue', `${sumOf(course.map(({ revenue }) => revenue))} ${product.price.currency}`],
    ['Holds a second', rate(rates?.held)],
    ['Refusals a second', rate(rates?.refused)],
    [
      'Time to sell-out',
      soldStock === totalStock ? 'sold out' : left === null ? '–' : duration(left),
    ],
  ] as const;
  return (
    <section aria-label="Sale">
      <p className="state">
        <Badge status={stock.saleStatus} /> {isLive ? 'Live' : 'Connecting …'}
      </p>
      <dl className="figures">
        {figures.map(([name, value, colour]) => (
          <div key={name} className={colour}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <LiveCurve course={course} stock={stock} />
    </section>
  );
}

/** Steps that the pace is taken from: the last tenth of the course. */
const RECENT = STEPS / 10;

function rate(perSecond: number | undefined): string {
  return perSecond === undefined ? '–' : perSecond.toFixed(perSecond < 10 ? 1 : 0);
}

/** The course with the newest counters of the stream as its last point. */
function LiveCurve({
  course,
  stock,
}: { readonly course: readonly Point[] } & Pick<SaleProps, 'stock'>) {
  const { availableStock, heldStock, soldStock } = stock;
  const data = useMemo<CurveData>(() => {
    const points = [
      ...course.slice(0, -1),
      ...course.slice(-1).map(({ at }) => ({
        at,
        available: availableStock,
        held: heldStock,
        sold: soldStock,
      })),
    ];
    return [
      points.map(({ at }) => Date.parse(at) / 1000),
      points.map(({ available }) => available),
      points.map(({ held }) => held),
      points.map(({ sold }) => sold),
    ];
  }, [course, availableStock, heldStock, soldStock]);
  return <Curve data={data} />;
}

/** The course from the start of the sale until now, by the server's clock. */
function useCourse({ id, saleStartsAt, createdAt }: ProductFieldsFragment): readonly Point[] {
  const client = useApolloClient();
  const [course, setCourse] = useState<readonly Point[]>([]);
  useEffect(() => {
    let isOver = false;
    const read = async (): Promise<void> => {
      const { data: clock } = await client.query({ query: ServerTimeDocument });
      const to = clock!.serverTime;
      const start = saleStartsAt !== null && saleStartsAt < to ? saleStartsAt : createdAt;
      const stepSeconds = Math.max(1, (Date.parse(to) - Date.parse(start)) / 1000 / STEPS);
      const variables = { productId: id, from: start, to, stepSeconds };
      const { data } = await client.query({ query: TimelineDocument, variables });
      if (!isOver) setCourse(data!.saleTimeline);
    };
    // A failed reading is shown by the status above; the next one follows.
    const again = (): void => void read().catch(() => {});
    again();
    const timer = setInterval(again, TIMELINE_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [client, id, saleStartsAt, createdAt]);
  return course;
}
