import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Traffic } from '../../src/server/http/port/traffic.ts';

const to = (url: string) => ({ url }) as IncomingMessage;

/** Sends a request every few milliseconds until the returned function is called. */
function keepComing(traffic: Traffic, url: string): () => void {
  const coming = setInterval(() => traffic.count(to(url)), 5);
  return () => clearInterval(coming);
}

test('a server is quiet while it receives only health and metrics requests, not while it receives operations', async () => {
  const [operations, looks] = [new Traffic(), new Traffic()];
  const ends = [
    keepComing(operations, '/graphql'),
    ...['/readyz', '/healthz', '/metrics', '/metrics?x=1'].map((url) => keepComing(looks, url)),
  ];
  const order: string[] = [];

  await Promise.all([
    operations.quiet(400, 3000).then(() => order.push('operations')),
    looks.quiet(400, 3000).then(() => order.push('looks')),
  ]);
  for (const end of ends) end();

  expect(order).toEqual(['looks', 'operations']);
});

test('with a regular health check, the server is quiet only after two more checks', async () => {
  const traffic = new Traffic();
  for (let look = 0; look < 5; look += 1) {
    traffic.count(to('/readyz'));
    await delay(20);
  }
  const order: string[] = [];

  const [looked, alone] = [traffic.quiet(100, 20_000), new Traffic().quiet(400, 20_000)];
  const both = Promise.all([
    looked.then(() => order.push('looked at')),
    alone.then(() => order.push('alone')),
  ]);
  await alone;
  traffic.count(to('/readyz'));
  await new Traffic().quiet(400, 20_000);
  order.push('one look');
  traffic.count(to('/readyz'));
  await both;

  expect(order).toEqual(['alone', 'one look', 'looked at']);
});

test('the wait for quiet ends at its limit', async () => {
  const traffic = new Traffic();
  const end = keepComing(traffic, '/graphql');

  expect(await traffic.quiet(50, 300)).toBe(false);
  end();
  expect(await traffic.quiet(50, 20_000)).toBe(true);
});

test('a request that arrives while the event loop is blocked counts before the server is quiet', async () => {
  const traffic = new Traffic();
  const order: string[] = [];
  const server = createServer((socket) => {
    socket.on('data', () => {
      traffic.count(to('/graphql'));
      order.push('request');
      socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const caller = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(caller, 'connect');

  const quiet = traffic.quiet(50, 5000).then(() => order.push('quiet'));
  caller.write('x');
  const heldUpUntil = performance.now() + 200;
  while (performance.now() < heldUpUntil);
  await quiet;
  server.close();

  expect(order).toEqual(['request', 'quiet']);
});
