import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SETTLE_MS, STOCK, type Bench } from './live-cells.ts';
import { commits, converge, sellSteadily } from './live-sale.ts';
import { makeProduct } from './operations.ts';
import { Screens } from './screens.ts';

/** How many of the thousand screens stop reading. */
const STALLED = 50;

const STALLED_MS = 6000;
const LET_GO_MS = 9000;

/** Unread bytes in the kernel between the server and its sockets; the largest value of any socket. */
function mostUnread(url: string): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const sockets = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1, -1);
  const unread = sockets.map((line) => {
    const [, local, remote, , queues] = line.trim().split(/\s+/) as string[];
    const [sending, receiving] = queues!.split(':').map((size) => Number.parseInt(size, 16));
    const client = remote!.endsWith(`:${port}`) ? local! : remote!;
    const isOfServer = local!.endsWith(`:${port}`) || remote!.endsWith(`:${port}`);
    return {
      client,
      bytes: isOfServer ? (local!.endsWith(`:${port}`) ? sending! : receiving!) : 0,
    };
  });
  const byClient = Map.groupBy(unread, ({ client }) => client);
  return Math.max(
    ...[...byClient.values()].map((both) => both.reduce((sum, { bytes }) => sum + bytes, 0)),
  );
}

/** Measures a thousand screens before and after fifty of them stop reading. */
export async function withStalled(bench: Bench) {
  const server = bench.servers.shared;
  const productId = await makeProduct(server, STOCK);
  const urls = [server.url];
  const screens = await Screens.open({ urls, count: 1000, productId, stalled: STALLED });
  const stop = sellSteadily(server, productId);
  const record = async (forMs: number) => {
    await screens.record();
    await delay(forMs);
    await screens.stopRecord();
    const { first, committedAt } = await commits(bench.database, productId);
    const { p50Ms, p99Ms } = await screens.count(first, committedAt);
    return { p50Ms, p99Ms };
  };
  await delay(SETTLE_MS);
  const before = await record(STALLED_MS);
  await screens.stall();
  const others = await record(STALLED_MS);
  const unreadBytesMax = mostUnread(server.url);
  // The server closes the last of them ten seconds after its ping.
  await delay(LET_GO_MS);
  await stop();
  await screens.readAgain();
  const { closedWith } = await converge(bench, screens, productId);
  await screens.close();
  if (closedWith['4008'] !== STALLED) throw new Error(`Closed: ${JSON.stringify(closedWith)}`);
  return {
    before,
    others,
    unreadBytesMax,
    closedWith,
  };
}
