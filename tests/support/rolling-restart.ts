import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, statusOf, type Running, type ServerProcesses } from './server-process.ts';

/** How many buyers send requests during the restarts. */
const BUYERS = 20;

/** The interval of the load balancer's readiness checks. */
const LOOK_MS = 50;

/** The parameters of a rolling restart. */
export interface RollingRestart {
  readonly servers: ServerProcesses;
  readonly databaseUrl: string;
  readonly productId: number;
  readonly ms: number;
}

/** The counts of a rolling restart. */
export interface RollingRestartResult {
  readonly holds: number;
  readonly restarts: number;
  /** Requests with a wrong answer or none; refused connections do not count. */
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
 * Restarts three servers on one database in turn for `ms`, while buyers hold units over
 * keep-alive connections; a load balancer sends them only to servers whose /readyz is 200.
 */
export async function restartInTurn(options: RollingRestart): Promise<RollingRestartResult> {
  const { servers, databaseUrl, productId, ms } = options;
  const settings = {
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_MAX: '5',
    HOLD_TOKEN_SECRETS: 'one secret for all three of the servers',
    SEED_DEMO: 'false',
    // No hold expires before the count.
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
    // This also runs where a server does not start, because running loops would block the end of the test.
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
    const outcome = await askOnce(place.url, agent, productId);
    if (outcome === 'held') result.holds += 1;
    else if (outcome !== 'ECONNREFUSED') result.failures.push(outcome);
  }
}

/** Requests one hold; returns "held", the error code or the unexpected answer. */
function askOnce(url: string, agent: Agent, productId: number): Promise<string> {
  // One document for all: each new text would be validated at the slower pace of unknown documents.
  const query = 'mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename } }';
  const variables = { input: { productId: String(productId), idempotencyKey: randomUUID() } };
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request(`${url}/graphql`, { agent, method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', (error) => resolve(`cut during the answer: ${error.message}`));
      response.on('end', () =>
        resolve(text.includes('"Hold"') ? 'held' : `${response.statusCode} ${text}`),
      );
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    outgoing.end(JSON.stringify({ query, variables }));
  });
}
