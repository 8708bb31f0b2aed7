import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Buyers } from './load.ts';
import { audit, createHold, EMPTY, makeProduct, productQuery } from './operations.ts';
import { table, whole } from './report.ts';
import { startBenchServer } from './server.ts';

/**
 * The time of the server by layer: node bench/profile.ts [--of hold|product|empty] [--buyers 100]
 * [--seconds 10], after a build. Waiting for Postgres is idle time. A function of Node or of the engine
 * counts for its nearest caller that has a layer.
 */

/** The part of V8's profile format that this file reads. */
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** Microseconds of the monotonic clock, which process.hrtime reads as well. */
  readonly startTime: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** Layers by the path of the code; the first match counts. */
const LAYERS: readonly (readonly [string, RegExp])[] = [
  ['Apollo', /node_modules\/@apollo\//],
  ['TypeGraphQL', /node_modules\/type-graphql\//],
  ['class-validator', /node_modules\/(class-validator|validator)\//],
  ['graphql-js', /node_modules\/(graphql|graphql-scalars)\//],
  ['pg', /node_modules\/(pg|pg-[a-z]+|postgres-[a-z]+|pgpass)\//],
  ['MikroORM', /node_modules\/@mikro-orm\//],
  ['kysely', /node_modules\/kysely\//],
  ['other packages', /node_modules\//],
  ['our code: server', /dist\/src\/server\//],
  ['our code: shop and the rest', /dist\/src\//],
];
const OF_V8 = new Set(['(idle)', '(program)', '(garbage collector)']);
const NODE_ALONE = 'Node: http, net, timers';

const { values } = parseArgs({
  options: {
    of: { type: 'string', default: 'hold' },
    buyers: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '10' },
  },
});
const seconds = Number(values.seconds);
const { profile, fromUs, answers } = await record();
printLayers(profile, fromUs, answers);

/** Profiles a warmed-up server; returns the profile and the start of the measurement. */
async function record() {
  const folder = mkdtempSync(join(tmpdir(), 'flash-sale-profile-'));
  const flags = ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${folder}`];
  const server = await startBenchServer({ HOLD_TTL_SECONDS: '86400' }, { flags });
  const productId = await makeProduct(server, 10_000_000);
  const operations = {
    hold: createHold(productId),
    product: productQuery(productId),
    empty: EMPTY,
  };
  const operation = operations[values.of as keyof typeof operations];
  const buyers = await Buyers.connect(server.url, Number(values.buyers));
  const warm = await buyers.run(operation, { forMs: 3000 });
  const startUs = Number(process.hrtime.bigint() / 1000n);
  const run = await buyers.run(operation, { forMs: seconds * 1000 });
  const held = (warm.outcomes['Hold'] ?? 0) + (run.outcomes['Hold'] ?? 0);
  await audit(server, productId, held);
  buyers.close();
  await server.stop();
  // The supervisor of the database is another process and writes no profile.
  const [file] = readdirSync(folder);
  const text = readFileSync(join(folder, file!), 'utf8');
  rmSync(folder, { recursive: true });
  return { profile: JSON.parse(text) as Profile, fromUs: startUs, answers: run.latenciesMs.length };
}

function printLayers(
  { nodes, samples, timeDeltas, startTime }: Profile,
  since: number,
  requests: number,
) {
  const layers = layersOf(nodes);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const byLayer = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let at = startTime;
  samples.forEach((id, index) => {
    at += timeDeltas[index]!;
    if (at < since || at > since + seconds * 1e6) return;
    const { functionName, url } = byId.get(id)!.callFrame;
    const layer = layers.get(id)!;
    const name = `${layer}: ${functionName || '(anonymous)'} ${url.replace(/^.*\/(node_modules|dist)\//, '')}`;
    // A sample represents the time since the previous sample.
    byLayer.set(layer, (byLayer.get(layer) ?? 0) + timeDeltas[index]!);
    if (functionName !== '(idle)')
      byFunction.set(name, (byFunction.get(name) ?? 0) + timeDeltas[index]!);
  });
  const ranked = (times: ReadonlyMap<string, number>, count: number): string =>
    table([
      ['', '% of time', 'µs a request'],
      ...[...times]
        .toSorted(([, one], [, other]) => other - one)
        .slice(0, count)
        .map(([name, us]) => [name, (us / seconds / 1e4).toFixed(1), (us / requests).toFixed(1)]),
    ]);
  console.log(
    `${whole(requests / seconds)} a second under the profiler\n\n${ranked(byLayer, 20)}\n\n${ranked(byFunction, 25)}`,
  );
}

/** The layer of each node: its own, or that of its nearest caller that has one. */
function layersOf(nodes: readonly ProfileNode[]): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const layers = new Map<number, string>();
  const walk = (id: number, callers: string): void => {
    const node = byId.get(id)!;
    const { functionName, url } = node.callFrame;
    const own = LAYERS.find(([, place]) => place.test(url))?.[0];
    const layer = OF_V8.has(functionName) ? functionName : (own ?? callers);
    layers.set(id, layer);
    for (const child of node.children ?? []) walk(child, layer);
  };
  walk(nodes[0]!.id, NODE_ALONE);
  return layers;
}
