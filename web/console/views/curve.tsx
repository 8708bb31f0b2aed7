import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** The course of a sale: seconds of the server's clock, then available, held and sold units. */
export type CurveData = [time: number[], available: number[], held: number[], sold: number[]];

const HEIGHT = 260;

/** The names of the curves, as in the figures above them. */
const CURVES = ['available', 'held', 'sold'] as const;

/** The curves of available, held and sold units. The figures beside it are its text form. */
export function Curve({ data }: { readonly data: CurveData }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef(data);
  newest.current = data;
  useEffect(() => {
    const parent = box.current!;
    const open = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(parent), newest.current, parent);
    };
    open();
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: parent.clientWidth, height: HEIGHT }),
    );
    resized.observe(parent);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', open);
    return () => {
      scheme.removeEventListener('change', open);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={box} className="curve" role="img" aria-label="Available, held and sold units" />;
}

function optionsOf(parent: HTMLElement): uPlot.Options {
  const colour = (name: string) => getComputedStyle(parent).getPropertyValue(`--plot-${name}`);
  const axis = { stroke: colour('text'), grid: { stroke: colour('line'), width: 1 } };
  return {
    width: parent.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: true, y: false } },
    axes: [axis, { ...axis, size: 60 }],
    series: [
      { label: 'time' },
      ...CURVES.map((name) => ({
        label: name,
        stroke: colour(name),
        width: 2,
        // Units move in steps; a sloped line would show counts that never were.
        paths: uPlot.paths.stepped!({ align: 1 }),
        points: { show: false },
      })),
    ],
  };
}
