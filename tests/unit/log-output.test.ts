import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { BACKLOG_BYTES_MAX, LogOutput } from '../../src/lib/log-output.ts';
import { createLog, isReadable } from '../../src/lib/log.ts';

/** A stream whose reader the test controls. */
class Pipe extends Writable {
  readonly taken: string[] = [];
  #isReading = false;
  #go: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.taken.push(chunk.toString());
      done();
    };
    if (this.#isReading) take();
    else this.#go = take;
  }

  /** Reads the waiting chunk and every later one. */
  read(): void {
    this.#isReading = true;
    this.#go?.();
  }

  /** Reads one piece only. */
  readOne(): void {
    const go = this.#go;
    this.#go = undefined;
    go?.();
  }

  stop(): void {
    this.#isReading = false;
    this.#go = undefined;
  }

  get lines(): string[] {
    return this.taken.join('').split('\n').slice(0, -1);
  }
}

const line = (number: number): string => `${String(number).padStart(9)} ${'ü'.repeat(4995)}\n`;
const LINE_BYTES = Buffer.byteLength(line(0));

/** Node's options for a module in TypeScript as the next argument. */
const MODULE = [
  '--import',
  import.meta.resolve('@oxc-node/core/register'),
  '--input-type=module',
  '-e',
];

/** Turns of the event loop until a condition holds. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await turn();
}

test('unread lines are kept up to 16 MiB; further lines are dropped and counted', () => {
  const output = new LogOutput(new Pipe());

  for (let number = 0; number < 4000; number += 1) output.write(line(number));

  expect(BACKLOG_BYTES_MAX).toBe(16 * 1024 * 1024);
  expect(output.backlog).toBeLessThanOrEqual(BACKLOG_BYTES_MAX);
  expect(output.backlog).toBeGreaterThan(BACKLOG_BYTES_MAX - LINE_BYTES);
  expect(output.dropped).toBe(4000 - output.backlog / LINE_BYTES);
});

test('a reader that resumes receives whole lines in order, then the number of dropped lines', async () => {
  const pipe = new Pipe();
  const output = new LogOutput(pipe);
  const reports: number[] = [];
  output.onResumed((count) => {
    reports.push(count);
    output.write(`${count} dropped\n`);
  });
  for (let number = 0; number < 4000; number += 1) output.write(line(number));
  const { dropped } = output;

  pipe.read();
  await until(() => output.backlog === 0 && reports.length > 0);
  output.write('after\n');
  await until(() => output.backlog === 0);

  const kept = 4000 - dropped;
  expect(pipe.lines.slice(0, kept).map((one) => Number(one.slice(0, 9)))).toEqual(
    Array.from({ length: kept }, (_, number) => number),
  );
  expect(pipe.lines.slice(kept)).toEqual([`${dropped} dropped`, 'after']);
  expect(output.dropped).toBe(dropped);
});

test('after a drop, new lines are kept again once half of the backlog is read, after the report', async () => {
  const pipe = new Pipe();
  const output = new LogOutput(pipe);
  const reports: number[] = [];
  output.onResumed((count) => void reports.push(count));
  for (let number = 0; number < 4000; number += 1) output.write(line(number));
  const dropped = output.dropped;

  output.write('too early\n');
  while (output.backlog > BACKLOG_BYTES_MAX / 2) {
    pipe.readOne();
    await turn();
  }
  output.write('kept\n');

  expect(reports).toEqual([dropped + 1]);
  expect(output.dropped).toBe(dropped + 1);
  pipe.read();
  await until(() => output.backlog === 0);
  expect(pipe.lines.at(-1)).toBe('kept');
});

test('a closed reader causes no error and no backlog: waiting lines are dropped', async () => {
  const pipe = new Pipe();
  const output = new LogOutput(pipe);
  for (let number = 0; number < 100; number += 1) output.write(line(number));

  const closed = new Promise((resolve) => void pipe.once('close', resolve));
  pipe.destroy(new Error('write EPIPE'));
  await closed;
  output.write('this is not read\n');

  expect(output.dropped).toBeGreaterThan(0);
  expect(output.backlog).toBeLessThan(LINE_BYTES * 20);
});

test('a process with unread standard output keeps 16 MiB of its log and reports dropped lines', async () => {
  const LINES = 60_000;
  const script = `
    import { createLog } from ${JSON.stringify(import.meta.resolve('../../src/lib/log.ts'))};
    import { droppedLogLines, standardOutput } from ${JSON.stringify(import.meta.resolve('../../src/lib/log-output.ts'))};
    const log = createLog('info');
    for (let n = 0; n < ${LINES}; n += 1) log.info({ orderId: n }, 'x'.repeat(900));
    process.send({ dropped: droppedLogLines(), backlog: standardOutput().backlog });
    process.disconnect();
  `;
  const child = spawn(process.execPath, [...MODULE, script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });

  const [report] = (await once(child, 'message')) as [{ dropped: number; backlog: number }];
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');

  const lines = text
    .trim()
    .split('\n')
    .map((one) => JSON.parse(one) as Record<string, unknown>);
  expect(report.backlog).toBeLessThanOrEqual(BACKLOG_BYTES_MAX);
  expect(report.dropped).toBeGreaterThan(0);
  expect(lines).toHaveLength(LINES - report.dropped + 1);
  expect(lines.at(-1)).toMatchObject({
    level: 'warn',
    dropped: report.dropped,
    msg: 'Log lines were dropped: nothing read the log for a while, or writing it failed',
  });
});

test.each([
  ['ENOSPC', 10],
  ['ENOSPC', 40_000],
  ['EAGAIN', 10],
  ['EAGAIN', 40_000],
])(
  'after writes that fail with %s, lines of %i characters are written again and the lost ones counted',
  async (code, length) => {
    const folder = await mkdtemp(join(tmpdir(), 'log-output-'));
    const path = join(folder, 'log');
    const file = await open(path, 'w');
    // Standard output that is a file is written with this function, as it is at the first write.
    const failing = `
      import fs from 'node:fs';
      let failures = 3;
      const writeSync = fs.writeSync;
      fs.writeSync = (fd, ...rest) => {
        if (fd === 1 && failures-- > 0) throw Object.assign(new Error('failed'), { code: '${code}' });
        return writeSync(fd, ...rest);
      };
    `;
    const script = `
      import { setImmediate as turn } from 'node:timers/promises';
      import { createLog } from ${JSON.stringify(import.meta.resolve('../../src/lib/log.ts'))};
      const log = createLog('info');
      for (let n = 0; n < 6; n += 1) {
        log.info({ orderId: n }, 'x'.repeat(${length}));
        await turn();
      }
    `;
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(failing)}`];
    const child = spawn(process.execPath, [...preload, ...MODULE, script], {
      stdio: ['ignore', file.fd, 'inherit'],
    });
    await once(child, 'close');
    await file.close();

    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    await rm(folder, { recursive: true });
    const facts = lines.map((one) => JSON.parse(one) as Record<string, unknown>);
    expect(facts.map(({ orderId, dropped }) => orderId ?? { dropped })).toEqual([
      3,
      { dropped: 3 },
      4,
      5,
    ]);
  },
);

test('at a terminal a line is readable: time, level, message, then the facts', () => {
  const written: string[] = [];
  const log = createLog('debug', { write: (one) => void written.push(one) }, { readable: true });

  log.info({ url: 'http://x', version: '1' }, 'Ready. GraphQL http://x/graphql');
  log.warn({ productId: 7 }, 'Busy');
  log.error({ err: new Error('It failed') }, 'An operation failed');

  expect(written[0]).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: Ready\. GraphQL http:\/\/x\/graphql\n$/,
  );
  expect(written[1]).toMatch(/\] WARN: Busy \{"productId":7\}\n$/);
  expect(written[2]).toMatch(/\] ERROR: An operation failed\s+err: [^]*Error: It failed\n/);
});

test('control characters from a caller are escaped at a terminal', () => {
  const written: string[] = [];
  const log = createLog('debug', { write: (one) => void written.push(one) }, { readable: true });
  const steering = '\u001b[2J \u0007 \b \u009b31m \u202e \\u001b';

  log.warn({ orderId: steering }, steering);
  log.error({ err: new Error(steering) }, 'failed');

  // oxlint-disable-next-line no-control-regex
  expect(written.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(written[0]).toContain(String.raw`\u001b`);
});

test.each([
  [true, false, true],
  [true, true, false],
  [false, false, false],
  [undefined, false, false],
])(
  'at a terminal (%s), in production (%s), the log is readable: %s',
  (isTTY, production, readable) => {
    expect(isReadable({ ...(isTTY !== undefined && { isTTY }) }, production)).toBe(readable);
  },
);
