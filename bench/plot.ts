import type { Spread } from './figures.ts';
import { whole } from './report.ts';

/** A bar of each kind in each group, drawn by hand: no library, no font of its own. */
export interface Plot {
  readonly title: string;
  readonly subtitle: string;
  /** The label below a group, for example "25 buyers". */
  readonly nameOf: (group: number) => string;
  /** The kinds of bars, in their order, each with its rates by group. */
  readonly kinds: readonly {
    readonly label: string;
    readonly series: readonly { readonly of: number; readonly rate: Spread }[];
  }[];
}

const WIDTH = 760;
const HEIGHT = 400;
const LEFT = 64;
const TOP = 92;
const BOTTOM = 44;
const RIGHT = 12;

/** The colours also differ in lightness, on white and on black, for colour-blind readers. */
const COLOURS = ['#2f81f7', '#8957e5', '#d29922', '#8b949e'];

/** The colours of text follow the reader's scheme; GitHub shows an image's own media query. */
const STYLE = `text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-size:15px;font-weight:600;fill:#1f2328}
.value{font-size:10px}line{stroke:#8b949e;stroke-opacity:.35}.range{stroke:#1f2328;stroke-opacity:.8}
@media(prefers-color-scheme:dark){text{fill:#9198a1}.title{fill:#e6edf3}.range{stroke:#e6edf3}}`;

/** The plot as the text of an SVG file. */
export function svgOf({ title, subtitle, nameOf, kinds }: Plot): string {
  const most = Math.max(...kinds.flatMap(({ series }) => series.map(({ rate }) => rate.max)));
  const step = niceStep(most / 5);
  const top = Math.ceil(most / step) * step;
  const y = (rate: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - rate / top);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>${STYLE}</style>
<text class="title" x="${LEFT}" y="24">${title}</text>
<text x="${LEFT}" y="44">${subtitle}</text>
${kinds.map((_, kind) => legend(kinds, kind)).join('\n')}
${grid(top, step, y)}
${groups({ kinds, nameOf }, y)}
</svg>
`;
}

/** Approximate widths of a letter and of a coloured square with its margins. */
const LETTER = 6.2;
const SQUARE = 36;

function legend(kinds: Plot['kinds'], kind: number): string {
  const { label } = kinds[kind]!;
  const before = kinds.slice(0, kind).map((one) => SQUARE + LETTER * one.label.length);
  const x = Math.round(before.reduce((sum, width) => sum + width, LEFT));
  return `<rect x="${x}" y="58" width="11" height="11" rx="2" fill="${COLOURS[kind]}"/><text x="${x + 16}" y="68">${label}</text>`;
}

function grid(top: number, step: number, y: (rate: number) => number): string {
  const lines: string[] = [];
  for (let rate = 0; rate <= top; rate += step) {
    lines.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(rate))}" y2="${at(y(rate))}"/>`,
      `<text x="${LEFT - 8}" y="${at(y(rate) + 4)}" text-anchor="end">${whole(rate)}</text>`,
    );
  }
  return lines.join('\n');
}

function groups(
  { kinds, nameOf }: Pick<Plot, 'kinds' | 'nameOf'>,
  y: (rate: number) => number,
): string {
  const counts = kinds[0]!.series.map(({ of }) => of);
  const groupWidth = (WIDTH - LEFT - RIGHT) / counts.length;
  const barWidth = (groupWidth * 0.84) / kinds.length;
  return counts
    .map((count, group) => {
      const left = LEFT + group * groupWidth;
      const bars = kinds.map(({ series }, kind) =>
        bar(
          left + groupWidth * 0.08 + kind * barWidth,
          { width: barWidth - 3, colour: COLOURS[kind]!, rate: series[group]!.rate },
          y,
        ),
      );
      return `${bars.join('\n')}\n<text x="${at(left + groupWidth / 2)}" y="${HEIGHT - 18}" text-anchor="middle">${nameOf(count)}</text>`;
    })
    .join('\n');
}

interface Bar {
  readonly width: number;
  readonly colour: string;
  readonly rate: Spread;
}

/** The median as a bar, the rounds' least and most as a line through its end. */
function bar(x: number, { width, colour, rate }: Bar, y: (rate: number) => number): string {
  const middle = at(x + width / 2);
  const height = y(0) - y(rate.median);
  return `<rect x="${at(x)}" y="${at(y(rate.median))}" width="${at(width)}" height="${at(height)}" fill="${colour}"/>
<line class="range" x1="${middle}" x2="${middle}" y1="${at(y(rate.min))}" y2="${at(y(rate.max))}"/>
<text class="value" x="${middle}" y="${at(y(rate.max) - 4)}" text-anchor="middle">${whole(rate.median)}</text>`;
}

/** The next of 1, 2, 5, 10, 20, … */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((factor) => factor * power >= least)! * power;
}

function at(position: number): string {
  return position.toFixed(1);
}
