import { startTestServer } from '../support/server.ts';
import { until } from '../support/shop.ts';
import { getText, openRawConnection, type RawConnection } from '../support/raw-connection.ts';

/** A connection after one answer, and the head of that answer. */
async function openKept(url: string): Promise<RawConnection & { readonly head: string }> {
  const connection = await openRawConnection(url);
  connection.write(getText('/healthz'));
  const [head] = await connection.heads(1);
  return { ...connection, head: head! };
}

const keepAliveSeconds = (head: string) =>
  Number(/^keep-alive: timeout=(\d+)\r$/im.exec(head)?.[1]);

test('an idle connection is kept for 75 seconds, and the Keep-Alive header has a shorter time', async () => {
  await using server = await startTestServer();
  await using short = await startTestServer({ KEEP_ALIVE_SECONDS: '7' });
  using kept = await openKept(server.url);
  using shortKept = await openKept(short.url);

  await shortKept.closed(30_000);
  const wasOpen = kept.isOpen();
  kept.write(getText('/readyz'));
  const heads = await kept.heads(2);

  // Balancers keep theirs for 60 seconds.
  expect(keepAliveSeconds(kept.head)).toBe(70);
  expect(keepAliveSeconds(shortKept.head)).toBe(2);
  expect(wasOpen).toBe(true);
  expect(heads[1]).toMatch(/^HTTP\/1\.1 200 /);
}, 40_000);

test.concurrent.each(['1', '1.5', '3'])(
  'with KEEP_ALIVE_SECONDS=%s a connection is closed later than its header states',
  async (seconds) => {
    await using server = await startTestServer({ KEEP_ALIVE_SECONDS: seconds });
    const startedAt = performance.now();
    using kept = await openKept(server.url);

    await kept.closed(20_000);

    expect(keepAliveSeconds(kept.head)).toBe(1);
    expect(performance.now() - startedAt).toBeGreaterThan(Math.max(Number(seconds), 1.9) * 1000);
  },
);

test('a client that does not keep its connection gets no Keep-Alive header', async () => {
  await using server = await startTestServer();
  using closing = await openRawConnection(server.url);
  using old = await openRawConnection(server.url);

  closing.write(getText('/healthz', '1.1', 'Connection: close\r\n'));
  old.write(getText('/healthz', '1.0'));
  await Promise.all([closing.closed(), old.closed()]);

  for (const connection of [closing, old]) {
    expect(connection.text()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n/);
    expect(connection.text()).not.toMatch(/^keep-alive:/im);
  }
});

test('when connections are scarce the longest idle one is closed for a new client', async () => {
  await using server = await startTestServer({ CONNECTIONS_MAX: '10', timeouts: { idleMs: 500 } });
  using stack = new DisposableStack();
  const kept: RawConnection[] = [];
  for (let count = 0; count < 10; count += 1) kept.push(stack.use(await openKept(server.url)));

  const served = await until(
    'a place',
    async () => {
      using next = await openRawConnection(server.url);
      next.write(getText('/readyz'));
      await until('an answer or the end', () => next.text() !== '' || !next.isOpen());
      return next.text();
    },
    20_000,
  );

  expect(served).toMatch(/^HTTP\/1\.1 200 /);
  expect(kept[0]!.isOpen()).toBe(false);
  expect(kept[9]!.isOpen()).toBe(true);
}, 40_000);
