/** A line or an area of a chart; a gap in its points is a gap in the line. */
export interface Series {
  readonly label: string;
  /** A custom property of the report's style, for example `--held`. */
  readonly colour: string;
  readonly points: readonly (readonly [atMs: number, value: number])[];
}

/** A chart over time. */
export interface Chart {
  readonly title: string;
  /** The unit of the values, for example `units`. */
  readonly unit: string;
  readonly series: readonly Series[];
  /** Stacked areas, the first at the bottom; else lines. */
  readonly isStacked?: boolean;
  /** Times that are marked across the chart. */
  readonly spans?: readonly { readonly fromMs: number; readonly toMs: number }[];
}

const WIDTH = 860;
const HEIGHT = 280;
const LEFT = 64;
const RIGHT = 12;
const TOP = 34;
const BOTTOM = 34;

/** Positions of a chart. */
interface Scale {
  readonly x: (atMs: number) => string;
  readonly y: (value: number) => string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly top: number;
}

/** The chart as SVG inside HTML. It loads nothing and has no script. */
export function svgOf({ title, unit, series, isStacked = false, spans = [] }: Chart): string {
  const drawn = isStacked ? stacked(series) : series;
  const scale = scaleOf(drawn);
  const layers = isStacked ? drawn.toReversed() : drawn;
  return `<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}, in ${unit}">
${legend(series)}
${grid(scale, unit)}
${layers.map((one) => (isStacked ? area(one, scale) : line(one, scale))).join('\n')}
${spans.map((span) => spanOf(span, scale)).join('\n')}
</svg></figure>`;
}

/** Each series on top of those before it. */
function stacked(series: readonly Series[]): Series[] {
  return series.map((one, index) => ({
    ...one,
    points: one.points.map(([atMs], point) => [
      atMs,
      series.slice(0, index + 1).reduce((sum, { points }) => sum + points[point]![1], 0),
    ]),
  }));
}

function scaleOf(series: readonly Series[]): Scale {
  const points = series.flatMap((one) => one.points);
  const least = (figures: readonly number[]) => figures.reduce((a, b) => Math.min(a, b), 0);
  const most = (figures: readonly number[]) => figures.reduce((a, b) => Math.max(a, b), 0);
  const fromMs = least(points.map(([atMs]) => atMs));
  const toMs = Math.max(fromMs + 1, most(points.map(([atMs]) => atMs)));
  const highest = Math.max(most(points.map(([, value]) => value)), 1e-3);
  const step = niceStep(highest / 4);
  const top = Math.ceil(highest / step) * step;
  return {
    x: (atMs) => (LEFT + ((atMs - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT - RIGHT)).toFixed(1),
    y: (value) => (TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1),
    fromMs,
    toMs,
    top,
  };
}

function legend(series: readonly Series[]): string {
  let x = LEFT;
  return series
    .map(({ label, colour }) => {
      const at = x;
      // A letter is about seven wide; the square and its margins take 34.
      x += 34 + label.length * 7;
      return `<rect x="${at}" y="8" width="11" height="11" rx="2" style="fill:var(${colour})"/><text x="${at + 16}" y="18">${label}</text>`;
    })
    .join('');
}

function grid({ x, y, fromMs, toMs, top }: Scale, unit: string): string {
  const step = niceStep(top / 4);
  const lines: string[] = [];
  for (let value = 0; value <= top * 1.0001; value += step)
    lines.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${shortText(value)}</text>`,
    );
  const seconds = niceStep((toMs - fromMs) / 8000);
  for (let at = Math.ceil(fromMs / 1000 / seconds) * seconds; at * 1000 <= toMs; at += seconds)
    lines.push(
      `<text x="${x(at * 1000)}" y="${HEIGHT - 14}" text-anchor="middle">${shortText(at)} s</text>`,
    );
  lines.push(
    `<text x="${WIDTH - RIGHT}" y="18" text-anchor="end">${unit}, by seconds after the opening</text>`,
  );
  return lines.join('\n');
}

const pathOf = (points: Series['points'], { x, y }: Scale): string =>
  points.map(([atMs, value], index) => `${index === 0 ? 'M' : 'L'}${x(atMs)} ${y(value)}`).join('');

function line({ points, colour }: Series, scale: Scale): string {
  return `<path d="${pathOf(points, scale)}" style="stroke:var(${colour})"/>`;
}

function area({ points, colour }: Series, scale: Scale): string {
  if (points.length === 0) return '';
  const { x, y } = scale;
  const [first, last] = [points[0]!, points.at(-1)!];
  return `<path class="area" d="${pathOf(points, scale)}L${x(last[0])} ${y(0)}L${x(first[0])} ${y(0)}Z" style="fill:var(${colour})"/>`;
}

function spanOf(
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  { x }: Scale,
): string {
  const width = Math.max(2, Number(x(toMs)) - Number(x(fromMs))).toFixed(1);
  return `<rect class="span" x="${x(fromMs)}" y="${TOP}" width="${width}" height="${HEIGHT - TOP - BOTTOM}"/>`;
}

/** The next of 1, 2, 5, 10, 20, … and of 0.5, 0.2, … */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((factor) => factor * power >= least * 0.9999)! * power;
}

function shortText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}
