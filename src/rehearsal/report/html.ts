import { svgOf, type Chart } from './chart.ts';
import type { RehearsalResult } from './result.ts';
import type { Sample } from './recording.ts';

/** Colours differ in lightness too, for colour-blind readers. The reader's scheme decides light or dark. */
const STYLE = `:root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--dim:#59636e;--edge:#d1d9e0;--good:#1a7f37;--bad:#cf222e;
--available:#54aeff;--held:#d4a72c;--sold:#116329;--p50:#54aeff;--p95:#8250df;--p99:#cf222e;--server:#0969da;--postgres:#8250df;--generator:#bf8700;--machine:#8c959f}
@media(prefers-color-scheme:dark){:root{--ground:#0d1117;--text:#e6edf3;--dim:#9198a1;--edge:#3d444d;--good:#3fb950;--bad:#f85149;
--available:#388bfd;--held:#d29922;--sold:#3fb950;--p50:#388bfd;--p95:#a371f7;--p99:#f85149;--server:#388bfd;--postgres:#a371f7;--generator:#d29922;--machine:#6e7681}}
body{margin:0 auto;padding:1.5rem;max-width:56rem;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--edge)}
.verdict{border-left:.4rem solid var(--good);padding:.2rem 1rem;margin:1rem 0;font-size:1.1rem}.verdict.failed{border-color:var(--bad)}
.verdict strong{color:var(--good)}.verdict.failed strong{color:var(--bad)}p.dim,li.dim,figcaption{color:var(--dim)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--edge);vertical-align:top}td.n,th.n{text-align:right}
figure{margin:1rem 0}svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--dim)}svg line{stroke:var(--edge)}
svg path{fill:none;stroke-width:2;stroke-linejoin:round}svg path.area{stroke:none}.span{fill:var(--bad);opacity:.15}
details{border-bottom:1px solid var(--edge);padding:.3rem 0}summary{cursor:pointer}ol{margin:.4rem 0;color:var(--dim)}`;

/** A page around a body. Its policy forbids every request, so it opens offline. */
export function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
${body}
</body></html>
`;
}

/** The report of a rehearsal as one HTML file without a script or an address. */
export function htmlOf(result: RehearsalResult): string {
  const { options, openedAt, durationMs, soldOutAtMs, machine } = result;
  const { units, buyers, servers, arrival, overSeconds } = options;
  const arrivals = arrival === 'at-once' ? 'all at once' : `${arrival} over ${overSeconds} s`;
  return pageOf(
    `Rehearsal ${openedAt}`,
    [
      `<h1>Rehearsal of ${number(buyers)} buyers on ${number(units)} units</h1>`,
      `<p class="dim">${escaped(openedAt)}; ${servers} servers; buyers arrive ${arrivals}; ${seconds(durationMs)} until the last buyer left.
${soldOutAtMs === null ? 'The product never sold out.' : `No unit was available for the first time after ${seconds(soldOutAtMs)}.`}</p>`,
      verdictHtml(result),
      `<h2>Stock</h2>`,
      stockChart(result),
      faultsHtml(result),
      `<h2>Latency</h2>`,
      latencyChart(result),
      callsHtml(result),
      `<h2>Buyers</h2>`,
      countsHtml('how a purchase ended', result.endings),
      `<h3>Refused, and why</h3>`,
      countsHtml('what the buyer reads', result.reasons),
      `<h3>Refusals by code</h3><p class="dim">Each answer counts: a buyer may try several times.</p>`,
      countsHtml('code', result.refusals),
      `<h2>What a buyer lived through</h2>`,
      storiesHtml(result),
      `<h2>Payments and refunds</h2>`,
      countsHtml('answer to the provider', result.payments.outcomes),
      countsHtml('reason of a refund', result.payments.refunds),
      `<h2>What limited</h2><p>${escaped(result.limit.text)}</p>`,
      cpuChart(result),
      limitsHtml(result),
      `<h2>Audit</h2>`,
      auditHtml(result),
      `<h2>Settings</h2>`,
      settingsHtml(result),
      `<p class="dim">${machine.cores} cores, ${machine.memoryGb} GB, ${escaped(machine.platform)}, Node ${escaped(machine.node)}, PostgreSQL ${escaped(machine.postgres)}, version ${escaped(machine.version)}.</p>`,
    ].join('\n'),
  );
}

function verdictHtml({ verdict }: RehearsalResult): string {
  const list = (texts: readonly string[], kind: string): string =>
    texts.length === 0
      ? ''
      : `<ul>${texts.map((text) => `<li class="${kind}">${escaped(text)}</li>`).join('')}</ul>`;
  return `<div class="verdict${verdict.passed ? '' : ' failed'}"><p><strong>${verdict.passed ? 'Passed.' : 'Failed.'}</strong> ${escaped(verdict.headline)}</p>${list(verdict.findings, '')}${list(verdict.notes, 'dim')}</div>`;
}

const curve = (samples: readonly Sample[], of: (sample: Sample) => number | null) =>
  samples.flatMap((sample) => {
    const value = of(sample);
    return value === null ? [] : [[sample.atMs, value] as const];
  });

function stockChart({ samples, faults }: RehearsalResult): string {
  return svgOf({
    title: 'Available, held and sold units',
    unit: 'units',
    isStacked: true,
    spans: faults,
    series: [
      { label: 'sold', colour: '--sold', points: curve(samples, ({ sold }) => sold) },
      { label: 'held', colour: '--held', points: curve(samples, ({ held }) => held) },
      { label: 'available', colour: '--available', points: curve(samples, (one) => one.available) },
    ],
  });
}

function latencyChart({ latency, faults }: RehearsalResult): string {
  const series = (['p50', 'p95', 'p99'] as const).map((percent) => ({
    label: percent,
    colour: `--${percent}`,
    points: latency.map((point) => [point.atMs, point[percent]] as const),
  }));
  return svgOf({ title: 'Latency of the calls of buyers', unit: 'ms', series, spans: faults });
}

function cpuChart({ samples, faults }: RehearsalResult): string {
  const chart: Chart = {
    title: 'CPU',
    unit: 'cores',
    spans: faults,
    series: [
      { label: 'all servers', colour: '--server', points: curve(samples, (s) => s.serverCores) },
      { label: 'PostgreSQL', colour: '--postgres', points: curve(samples, (s) => s.postgresCores) },
      {
        label: 'load generator',
        colour: '--generator',
        points: curve(samples, (s) => s.generatorCores),
      },
      {
        label: 'whole machine',
        colour: '--machine',
        points: curve(samples, (s) => s.machineCores),
      },
    ],
  };
  return svgOf(chart);
}

function faultsHtml({ faults }: RehearsalResult): string {
  if (faults.length === 0) return '';
  return tableHtml(
    ['fault', 'from', 'to'],
    faults.map(({ text, fromMs, toMs }) => [text, seconds(fromMs), seconds(toMs)]),
  );
}

function callsHtml({ calls }: RehearsalResult): string {
  const ms = (figure: number): string => number(Math.round(figure));
  return tableHtml(
    ['call', 'number', 'p50 ms', 'p95 ms', 'p99 ms', 'longest ms'],
    calls.map(({ operation, count, p50, p95, p99, max }) => [
      operation,
      number(count),
      ...[p50, p95, p99, max].map(ms),
    ]),
  );
}

function countsHtml(what: string, counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).filter(([, count]) => count > 0);
  if (rows.length === 0) return `<p class="dim">None (${escaped(what)}).</p>`;
  return tableHtml(
    [what, 'number'],
    rows.map(([name, count]) => [name, number(count)]),
  );
}

function storiesHtml({ stories }: RehearsalResult): string {
  return stories
    .map(
      ({ percent, buyer, decidedMs, ending, reason, steps }) =>
        `<details><summary>${percent === 100 ? 'The slowest' : `${percent} % had their answer sooner`}: ${seconds(decidedMs)}, ${escaped(ending)} (buyer ${number(buyer)})</summary>${reason === '' ? '' : `<p>“${escaped(reason)}”</p>`}<ol>${steps.map((step) => `<li>${escaped(step)}</li>`).join('')}</ol></details>`,
    )
    .join('\n');
}

function limitsHtml({ limit }: RehearsalResult): string {
  return tableHtml(
    ['part', 'at most', 'at its limit'],
    limit.loads.map(({ part, busiest, isLimit }) => [part, busiest, isLimit ? 'yes' : 'no']),
  );
}

function auditHtml({ final, claimedMax }: RehearsalResult): string {
  const { stock, audit, openRefunds } = final;
  const rows = tableHtml(
    ['total', 'available', 'held', 'sold', 'had by buyers at most', 'open refunds'],
    [[stock.total, stock.available, stock.held, stock.sold, claimedMax, openRefunds].map(number)],
  );
  const text = audit.balanced
    ? 'Movements, rows and counters agree at every version, and orders with payments.'
    : 'Discrepancies found; the verdict lists them.';
  return `<p>${text}</p>${rows}`;
}

function settingsHtml({ options }: RehearsalResult): string {
  const { settings, faults, ...plain } = options;
  const rows = [
    ...Object.entries(plain).map(([name, value]) => [name, String(value)]),
    ['faults', faults.map(({ kind, atSeconds }) => `${kind}@${atSeconds}`).join(', ') || 'none'],
    ...Object.entries(settings),
  ];
  return tableHtml(['setting', 'value'], rows);
}

/** A table; cells that begin with a digit are aligned to the right. */
export function tableHtml(
  heads: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const isNumber = (column: number): boolean =>
    column > 0 &&
    rows.every((row) => /^[-+]?\d[\d,.]*( s| ms| cores| %)?$/.test(row[column] ?? ''));
  const kinds = heads.map((_, column) => (isNumber(column) ? ' class="n"' : ''));
  const head = heads.map((text, column) => `<th${kinds[column]}>${escaped(text)}</th>`).join('');
  const body = rows
    .map((row) => row.map((text = '', at) => `<td${kinds[at]}>${escaped(text)}</td>`).join(''))
    .map((cells) => `<tr>${cells}</tr>`)
    .join('\n');
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Text of the shop or of an option, never markup. */
function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replaceAll(/[&<>"]/g, (character) => names[character]!);
}

const number = (figure: number): string => figure.toLocaleString('en-US');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
