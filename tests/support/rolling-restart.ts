import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, statusOf, type Running, type ServerProcesses } from './server-process.ts';

/** How many buyers keep asking while servers come and go. */
const BUYERS = 20;

/** A load balancer looks this often who is ready. */
const LOOK_MS = 50;

/** What a rolling restart is done with. */
export interface RollingRestart {
  readonly servers: ServerProcesses;
  readonly databaseUrl: string;
  readonly productId: number;
  readonly ms: number;
}

/** What it came to. */
export interface RollingRestartResult {
  readonly holds: number;
  readonly restarts: number;
  /** Requests that a server took and did not answer as it should; refused connections are none. */
  readonly failures: string[];
}

/** One server of the three, and whether the load balancer sends buyers to it. */
interface Place {
  readonly url: string;
  readonly port: string;
  running: Running;
  isReady: boolean;
}

/**
 * Restarts three servers on one database in turn, as long as told, while buyers hold units over
 * kept connections and a load balancer sends them to whoever says at /readyz that it can serve.
 */
export async function restartInTurn(wanted: RollingRestart): Promise<RollingRestartResult> {
  const { servers, databaseUrl, productId, ms } = wanted;
  const settings = {
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_MAX: '5',
    HOLD_TOKEN_SECRETS: 'one secret for all three of the servers',
    SEED_DEMO: 'false',
    // None expires before they are counted.
    HOLD_TTL_SECONDS: '86400',
    SHUTDOWN_GRACE_SECONDS: '5',
  };
  const open = async (): Promise<Place> => {
    const port = String(await freePort());
    const running = servers.start({ ...settings, PORT: port });
    return { url: await running.ready(), port, running, isReady: true };
  };
  const places = await Promise.all([open(), open(), open()]);
  const agent = new Agent({ keepAlive: true });
  const state = { going: true };
  const result = { holds: 0, restarts: 0, failures: [] as string[] };

  const balancing = balance(places, state);
  const buying = Array.from({ length: BUYERS }, () =>
    buy({ places, agent, productId, state, result }),
  );
  try {
    const endAt = performance.now() + ms;
    while (performance.now() < endAt || result.restarts < places.length) {
      const place = places[result.restarts % places.length]!;
      place.running.child.kill('SIGTERM');
      const code = await place.running.exited;
      if (code !== 0) result.failures.push(`a server ended with ${code}`);
      place.running = servers.start({ ...settings, PORT: place.port });
      await place.running.ready();
      result.restarts += 1;
    }
  } finally {
    // Also where a server does not start: loops that go on would keep the test run from ending.
    state.going = false;
    await Promise.all([balancing, ...buying]);
    agent.destroy();
  }
  return result;
}

async function balance(places: readonly Place[], state: { going: boolean }): Promise<void> {
  while (state.going) {
    await Promise.all(
      places.map(async (place) => {
        const status = await statusOf(`${place.url}/readyz`, { connection: 'close' }).catch(
          () => 0,
        );
        place.isReady = status === 200;
      }),
    );
    await delay(LOOK_MS);
  }
}

interface Buying {
  readonly places: readonly Place[];
  readonly agent: Agent;
  readonly productId: number;
  readonly state: { readonly going: boolean };
  readonly result: { holds: number; readonly failures: string[] };
}

async function buy({ places, agent, productId, state, result }: Buying): Promise<void> {
  while (state.going) {
    const ready = places.filter(({ isReady }) => isReady);
    const place = ready[Math.floor(Math.random() * ready.length)];
    if (place === undefined) {
      await delay(LOOK_MS);
      continue;
    }
    const told = await askOnce(place.url, agent, productId);
    if (told === 'held') result.holds += 1;
    else if (told !== 'ECONNREFUSED') result.failures.push(told);
  }
}

/** Asks for one hold; what came of it in a word. */
function askOnce(url: string, agent: Agent, productId: number): Promise<string> {
  // One document for all: each new text would be validated at the slower pace of unknown documents.
  const query = 'mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename } }';
  const variables = { input: { productId: String(productId), idempotencyKey: randomUUID() } };
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' };
    const asking = request(`${url}/graphql`, { agent, method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', (error) => resolve(`cut in the answer: ${error.message}`));
      response.on('end', () =>
        resolve(text.includes('"Hold"') ? 'held' : `${response.statusCode} ${text}`),
      );
    });
    asking.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asking.end(JSON.stringify({ query, variables }));
  });
}
