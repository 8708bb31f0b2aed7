import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { percentile } from '../src/rehearsal/report/percentile.ts';

/*
 * The screens: many sockets that watch one product, in a child process (started by
 * bench/screens.ts). It implements only the part of the websocket protocol that our servers use: a
 * client that parsed every message would cost more CPU than the server under measurement.
 */

/** A command from the benchmark to the screens. */
export type Order =
  | {
      readonly do: 'watch';
      /** Where each socket connects, in turn. */
      readonly urls: readonly string[];
      readonly count: number;
      readonly productId: string;
      /** How many of them a later `stall` affects. */
      readonly stalled: number;
    }
  | { readonly do: 'stall' }
  | { readonly do: 'record' }
  | { readonly do: 'stopRecord' }
  /** `committedAt` says when each version was committed, from the version `first` on. */
  | { readonly do: 'count'; readonly first: number; readonly committedAt: readonly number[] }
  | { readonly do: 'readAgain' }
  | { readonly do: 'leave' };

/** The result of one recording. */
export interface Report {
  /** Messages received during the recording. */
  readonly messages: number;
  readonly tookMs: number;
  /** From the commit of the oldest change that a message shows to its receipt. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The last version that each socket received, by index; null for a closed socket. */
  readonly lastVersions: readonly (number | null)[];
  /** How often a socket received a lower version than before. */
  readonly decreases: number;
  /** How many sockets each close code ended. */
  readonly closedWith: Readonly<Record<string, number>>;
}

const QUERY = `subscription Watch($ids: [ID!]!) { stockChanged(productIds: $ids) {
  id name price { amount currency } availableStock heldStock soldStock stockStatus saleStatus stockVersion } }`;

const TEXT = 0x81;
const CLOSE = 0x88;
const PING = 0x89;

/** Receipts of one recording: the time, and the first version not seen before. */
class Receipts {
  static readonly #MAX = 4_000_000;
  readonly #at = new Float64Array(Receipts.#MAX);
  readonly #oldestUnseen = new Uint32Array(Receipts.#MAX);
  count = 0;

  add(at: number, oldestUnseen: number): void {
    if (this.count === Receipts.#MAX) throw new Error('The recording is full.');
    this.#at[this.count] = at;
    this.#oldestUnseen[this.count] = oldestUnseen;
    this.count += 1;
  }

  /** Milliseconds from commit to receipt of each message, ascending. */
  ages(first: number, committedAt: readonly number[]): Float64Array {
    return Float64Array.from({ length: this.count }, (_, receipt) => {
      const committed = committedAt[this.#oldestUnseen[receipt]! - first];
      if (committed === undefined)
        throw new Error('A screen received a version that no commit wrote.');
      return this.#at[receipt]! - committed;
    }).toSorted();
  }
}

const receipts = new Receipts();
let isRecording = false;
let recordedFrom = 0;
let recordedMs = 0;
let decreases = 0;
const closedWith: Record<string, number> = {};

/** The clock of this machine, which the database uses as well. */
const wallClock = (): number => performance.timeOrigin + performance.now();

class Screen {
  readonly socket: Socket;
  lastVersion = 0;
  isOpen = true;
  #rest: Buffer | undefined;
  readonly #onAck: () => void;
  readonly #onState: () => void;

  constructor(socket: Socket, onAck: () => void, onState: () => void) {
    this.socket = socket;
    this.#onAck = onAck;
    this.#onState = onState;
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('error', () => {});
    socket.on('close', () => (this.isOpen = false));
  }

  send(text: string): void {
    this.socket.write(frameOf(TEXT, Buffer.from(text)));
  }

  #onData(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (data.length - at >= 2) {
      const short = data[at + 1]!;
      const bodyAt = at + (short === 126 ? 4 : 2);
      if (data.length < bodyAt) break;
      const end = bodyAt + (short === 126 ? data.readUInt16BE(at + 2) : short);
      if (data.length < end) break;
      this.#onFrame(data[at]!, data, bodyAt, end);
      at = end;
    }
    this.#rest = at === data.length ? undefined : data.subarray(at);
  }

  #onFrame(kind: number, data: Buffer, from: number, end: number): void {
    if (kind === TEXT) return this.#onText(versionAtEnd(data, end));
    if (kind === PING) return void this.socket.write(frameOf(0x8a, data.subarray(from, end)));
    if (kind !== CLOSE) return;
    const code = data.readUInt16BE(from);
    closedWith[code] = (closedWith[code] ?? 0) + 1;
  }

  #onText(version: number | undefined): void {
    // The only message without a version is the acknowledgement of the connection.
    if (version === undefined) return this.#onAck();
    if (this.lastVersion === 0) this.#onState();
    else if (version < this.lastVersion) decreases += 1;
    else if (isRecording) receipts.add(wallClock(), this.lastVersion + 1);
    this.lastVersion = version;
  }
}

/** Each message ends with the version, so this reads it backwards from the end. */
function versionAtEnd(data: Buffer, end: number): number | undefined {
  let at = end - 1;
  while (data[at] === 0x7d) at -= 1; // }
  let version = 0;
  let digit = 1;
  for (; data[at]! >= 0x30 && data[at]! <= 0x39; at -= 1, digit *= 10)
    version += (data[at]! - 0x30) * digit;
  return digit === 1 ? undefined : version;
}

/** A websocket client must mask its frames; a mask of zeros costs no work. */
function frameOf(kind: number, body: Buffer): Buffer {
  const head =
    body.length < 126
      ? Buffer.from([kind, 0x80 | body.length, 0, 0, 0, 0])
      : Buffer.from([kind, 0xfe, body.length >> 8, body.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([head, body]);
}

/** Opens one socket, subscribes, and resolves with the first state. */
async function openScreen(url: string, productId: string, willStall: boolean): Promise<Screen> {
  const { hostname, port: at, host } = new URL(url);
  // A screen that stalls reads nothing ahead, so its messages stay in the kernel.
  const ahead = willStall ? { highWaterMark: 1 } : {};
  const socket = connect({ host: hostname, port: Number(at), ...ahead }).setNoDelay(true);
  await once(socket, 'connect');
  socket.write(
    `GET /graphql HTTP/1.1\r\nhost: ${host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`,
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(answer.toString());
  return new Promise((resolve, reject) => {
    const payload = { query: QUERY, variables: { ids: [productId] } };
    const id = randomBytes(8).toString('hex');
    const screen = new Screen(
      socket,
      () => screen.send(JSON.stringify({ id, type: 'subscribe', payload })),
      () => resolve(screen),
    );
    socket.once('close', () => reject(new Error('A socket was closed before its first state.')));
    screen.send('{"type":"connection_init"}');
  });
}

let screens: Screen[] = [];
let stalling: readonly Screen[] = [];

async function watch({ urls, count, productId, stalled }: Order & { do: 'watch' }): Promise<void> {
  decreases = 0;
  screens = [];
  while (screens.length < count) {
    const some = Math.min(50, count - screens.length);
    const places = Array.from({ length: some }, (_, place) => screens.length + place);
    screens.push(
      ...(await Promise.all(
        places.map((place) => openScreen(urls[place % urls.length]!, productId, place < stalled)),
      )),
    );
  }
  stalling = screens.slice(0, stalled);
}

function report(first: number, committedAt: readonly number[]): Report {
  const ages = receipts.ages(first, committedAt);
  return {
    messages: receipts.count,
    tookMs: recordedMs,
    p50Ms: percentile(ages, 50),
    p99Ms: percentile(ages, 99),
    lastVersions: screens.map(({ isOpen, lastVersion }) => (isOpen ? lastVersion : null)),
    decreases,
    closedWith,
  };
}

async function carryOut(order: Order): Promise<Report | undefined> {
  switch (order.do) {
    case 'watch':
      await watch(order);
      return undefined;
    case 'stall':
      for (const { socket } of stalling) socket.pause();
      return undefined;
    case 'record':
      receipts.count = 0;
      recordedFrom = wallClock();
      isRecording = true;
      return undefined;
    case 'stopRecord':
      isRecording = false;
      recordedMs = wallClock() - recordedFrom;
      return undefined;
    case 'count':
      return report(order.first, order.committedAt);
    case 'readAgain':
      for (const { socket } of stalling) socket.resume();
      return undefined;
    case 'leave':
      for (const { socket } of screens) socket.destroy();
      return undefined;
  }
}

process.on('message', (order: Order) => {
  void carryOut(order).then(
    (report) => process.send!({ report }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});

// The benchmark that started this process has exited.
process.on('disconnect', () => process.exit());
