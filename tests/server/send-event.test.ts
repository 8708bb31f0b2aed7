import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ClaimedDelivery } from '../../src/shop/events/claim-deliveries.ts';
import { sendEvent } from '../../src/server/deliveries/send-event.ts';
import { openReceiver } from '../support/webhook-receiver.ts';

/*
 * One attempt against endpoints that hang, break off, flood, redirect or resolve to private addresses.
 */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const claimed = (url: string): ClaimedDelivery => ({
  id: 'a delivery',
  endpointId: 'an endpoint',
  url,
  secrets: [SECRET],
  eventId: 'evt_1',
  failures: 0,
  payload: '{"type":"order.paid","note":"ünïcödé 𝄞"}',
  claimedAt: new Date(),
});

const ANYWHERE = { allowPrivateNetworks: true };
const PUBLIC = { allowPrivateNetworks: false };

test('an event arrives byte for byte, and its signature verifies', async () => {
  await using receiver = await openReceiver();

  const attempt = await sendEvent(claimed(receiver.url), ANYWHERE);

  expect(attempt).toMatchObject({ status: 204, answer: '' });
  expect(receiver.received[0]!.body).toBe('{"type":"order.paid","note":"ünïcödé 𝄞"}');
  expect(receiver.verified(SECRET)).toHaveLength(1);
});

test('a name is resolved once, and the connection goes to the address that was checked', async () => {
  await using receiver = await openReceiver();
  const { port } = new URL(receiver.url);
  const asked: string[] = [];
  const resolve = async (hostname: string) => {
    asked.push(hostname);
    // A second resolution would lead elsewhere.
    return [{ address: asked.length === 1 ? '127.0.0.1' : '192.0.2.1', family: 4 }];
  };

  const attempt = await sendEvent(claimed(`http://events.example:${port}/x`), {
    ...ANYWHERE,
    resolve,
  });

  expect(attempt.status).toBe(204);
  expect(asked).toEqual(['events.example']);
  expect(receiver.received[0]!.headers.host).toBe(`events.example:${port}`);
});

test.each([
  ['loopback', ['127.0.0.1']],
  ['a metadata address', ['169.254.169.254']],
  ['an IPv4 address inside IPv6', ['::ffff:10.0.0.1']],
  ['a private address beside a public one', ['8.8.8.8', '10.0.0.1']],
  ['no address', []],
])('a name with %s is refused before any connection', async (_what, addresses) => {
  await using receiver = await openReceiver();
  const { port } = new URL(receiver.url);
  const resolve = async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

  const attempt = await sendEvent(claimed(`http://events.example:${port}/x`), {
    ...PUBLIC,
    resolve,
  });

  expect(attempt).toMatchObject({ status: null, answer: expect.stringMatching(/address/) });
  expect(receiver.received).toEqual([]);
});

test('an address in the url is checked like that of a name', async () => {
  await using receiver = await openReceiver();

  const attempt = await sendEvent(claimed(receiver.url), PUBLIC);

  expect(attempt.answer).toBe('The host has the address 127.0.0.1, which is not public.');
  expect(receiver.received).toEqual([]);
});

test('an endpoint that does not answer ends the attempt in time', async () => {
  await using receiver = await openReceiver(() => {});

  const attempt = await sendEvent(claimed(receiver.url), { ...ANYWHERE, timeoutMs: 200 });

  expect(attempt).toMatchObject({ status: null, answer: 'The endpoint did not answer in time.' });
  expect(attempt.durationMs).toBeLessThan(5000);
});

test('an endless answer is read to its first KiB', async () => {
  await using receiver = await openReceiver((response) => {
    response.writeHead(200);
    const flood = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', flood);
    };
    flood();
  });

  const attempt = await sendEvent(claimed(receiver.url), ANYWHERE);

  expect(attempt).toMatchObject({ status: 200, answer: 'x'.repeat(1024) });
});

test('an answer whose body never ends is decided by its status', async () => {
  await using receiver = await openReceiver((response) => void response.writeHead(200).write('ok'));

  const attempt = await sendEvent(claimed(receiver.url), { ...ANYWHERE, timeoutMs: 300 });

  expect(attempt).toMatchObject({ status: 200, answer: 'ok' });
});

test('a connection that is reset or refused is an attempt without a status', async () => {
  const reset = createServer((socket) => socket.resetAndDestroy());
  await new Promise<void>((resolve) => reset.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(reset.address() as AddressInfo).port}/x`;

  const broken = await sendEvent(claimed(url), ANYWHERE);
  await new Promise((resolve) => reset.close(resolve));
  const refused = await sendEvent(claimed(url), ANYWHERE);

  expect(broken).toMatchObject({
    status: null,
    answer: expect.stringMatching(/ECONNRESET|hang up/),
  });
  expect(refused).toMatchObject({ status: null, answer: expect.stringContaining('ECONNREFUSED') });
});

test('Retry-After is read as seconds and as a date', async () => {
  await using receiver = await openReceiver((response, index) => {
    const date = 'Mon, 30 Nov 2026 12:00:00 GMT';
    const after = ['120', 'Mon, 30 Nov 2026 12:05:00 GMT', 'soon'][index]!;
    response.writeHead(503, { 'retry-after': after, date }).end();
  });

  const waits: (number | null)[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1)
    waits.push((await sendEvent(claimed(receiver.url), ANYWHERE)).retryAfterMs);

  expect(waits).toEqual([120_000, 300_000, null]);
});
