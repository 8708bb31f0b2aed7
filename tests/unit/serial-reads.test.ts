import { SerialReads } from '../../src/postgres/serial-reads.ts';

/** Reads whose end the test controls. */
function readsByHand() {
  const begun: { readonly keys: readonly number[]; end(rows: string[]): void; fail(): void }[] = [];
  const reads = new SerialReads<number, string>((keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    begun.push({ keys, end: resolve, fail: () => reject(new Error('away')) });
    return promise;
  });
  return { begun, reads };
}

test('calls during a read share the next read, which begins after the first has ended', async () => {
  const { begun, reads } = readsByHand();

  const first = reads.load([1]);
  const others = [reads.load([2]), reads.load([3, 2])];
  const before = begun.length;
  begun[0]!.end(['one']);
  const rows = await first;
  await new Promise((resolve) => setImmediate(resolve));
  begun[1]!.end(['two', 'three']);

  expect(before).toBe(1);
  expect(rows).toEqual(['one']);
  expect(await Promise.all(others)).toEqual([
    ['two', 'three'],
    ['two', 'three'],
  ]);
  expect(begun.map(({ keys }) => keys)).toEqual([[1], [2, 3]]);
});

test('a read that fails rejects only its own callers', async () => {
  const { begun, reads } = readsByHand();

  const first = reads.load([1]);
  const second = reads.load([1]);
  begun[0]!.fail();
  await expect(first).rejects.toThrow('away');
  await new Promise((resolve) => setImmediate(resolve));
  begun[1]!.end(['one']);

  expect(await second).toEqual(['one']);
});
