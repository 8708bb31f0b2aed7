import { EventEmitter } from 'node:events';
import type { WebSocket } from 'ws';
import {
  BackpressuredSocket,
  STALLED_CODE,
  type FrameSource,
} from '../../src/server/graphql/ws/backpressured-socket.ts';

const { jest } = import.meta;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** A socket whose frames leave, and whose client reads, when the test says so. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly sent: string[] = [];
  readonly pings: string[] = [];
  closedWith: number | undefined;
  readonly #leaving: (() => void)[] = [];

  send(frame: string, onLeft: () => void): void {
    this.sent.push(frame);
    this.#leaving.push(onLeft);
  }

  ping(payload: string): void {
    this.pings.push(payload);
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }

  /** The kernel takes everything that is in flight, and what follows on that. */
  drain(): void {
    while (this.#leaving.length > 0) this.#leaving.shift()!();
  }

  pong(payload = this.pings.at(-1)!): void {
    this.emit('pong', Buffer.from(payload));
  }
}

function openLine() {
  const socket = new FakeSocket();
  return { socket, line: new BackpressuredSocket(socket as unknown as WebSocket) };
}

/** Says the newest of each key, like a subscriber to several products. */
class Newest implements FrameSource {
  readonly #line: BackpressuredSocket;
  readonly #waiting = new Map<string, string>();

  constructor(line: BackpressuredSocket) {
    this.#line = line;
  }

  tell(key: string, text: string): void {
    this.#waiting.set(key, text);
    this.#line.requestSend(this);
  }

  nextFrame(): string {
    const [[key, text]] = this.#waiting as unknown as [[string, string]];
    this.#waiting.delete(key);
    if (this.#waiting.size > 0) this.#line.requestSend(this);
    return text;
  }
}

const KIB = 'x'.repeat(1024);

test('one frame is in flight, and the newest of each thing waits', () => {
  const { socket, line } = openLine();
  const speaker = new Newest(line);

  for (const version of [1, 2, 3])
    for (const key of ['a', 'b', 'c']) speaker.tell(key, key + version);
  const inFlight = [...socket.sent];
  socket.drain();

  expect(inFlight).toEqual(['a1']);
  expect(socket.sent).toEqual(['a1', 'b3', 'c3', 'a3']);
});

test('several subscriptions of one socket have their turns', () => {
  const { socket, line } = openLine();
  const [one, other] = [new Newest(line), new Newest(line)];

  for (const key of ['a', 'b']) one.tell(key, `one ${key}`);
  for (const key of ['a', 'b']) other.tell(key, `other ${key}`);
  socket.drain();

  expect(socket.sent).toEqual(['one a', 'one b', 'other a', 'other b']);
});

test('a subscription that has ended has no turn', () => {
  const { socket, line } = openLine();
  const [one, ended] = [new Newest(line), new Newest(line)];

  one.tell('a', 'one');
  ended.tell('a', 'ended');
  line.cancel(ended);
  socket.drain();

  expect(socket.sent).toEqual(['one']);
});

test('a client that reads nothing is sent 64 KiB, however empty the kernel is, and the newest once it reads', () => {
  const { socket, line } = openLine();
  const speaker = new Newest(line);

  for (let version = 1; version <= 200; version += 1) {
    speaker.tell('a', `${version} ${KIB}`);
    socket.drain();
  }
  const unread = socket.sent.join('').length;
  socket.pong();
  socket.drain();

  expect(unread).toBeGreaterThan(63 * 1024);
  expect(unread).toBeLessThan(66 * 1024);
  expect(socket.sent.at(-1)).toBe(`200 ${KIB}`);
});

test('a client that keeps up is asked every 16 KiB, and told everything', () => {
  const { socket, line } = openLine();
  const speaker = new Newest(line);

  for (let version = 1; version <= 200; version += 1) {
    const asked = socket.pings.length;
    speaker.tell('a', `${version} ${KIB}`);
    socket.drain();
    if (socket.pings.length > asked) socket.pong();
  }

  expect(socket.sent).toHaveLength(200);
  expect(socket.pings.length).toBeGreaterThanOrEqual(12);
  expect(socket.pings.length).toBeLessThanOrEqual(13);
});

test('a ping that is not answered for ten seconds closes the socket with 4008', () => {
  const { socket, line } = openLine();
  const speaker = new Newest(line);
  for (let version = 1; version <= 17; version += 1) {
    speaker.tell('a', KIB);
    socket.drain();
  }

  jest.advanceTimersByTime(9_999);
  line.checkLiveness();
  const before = socket.closedWith;
  jest.advanceTimersByTime(1);
  line.checkLiveness();

  expect(before).toBeUndefined();
  expect(socket.closedWith).toBe(STALLED_CODE);
});

test('a quiet socket is pinged every 12 s, and stays as long as it answers', () => {
  const { socket, line } = openLine();

  for (let second = 0; second < 60; second += 1) {
    jest.advanceTimersByTime(1000);
    line.checkLiveness();
    if (second % 12 === 0 && socket.pings.length > 0) socket.pong();
  }

  expect(socket.closedWith).toBeUndefined();
  expect(socket.pings.length).toBeGreaterThanOrEqual(3);
});

test('a pong that nobody asked for says nothing', () => {
  const { socket, line } = openLine();
  const speaker = new Newest(line);
  const fill = (): void => {
    for (let version = 1; version <= 200; version += 1) {
      speaker.tell('a', KIB);
      socket.drain();
    }
  };

  fill();
  const sent = socket.sent.length;
  for (const payload of ['', '0', '999999', 'x']) socket.pong(payload);
  fill();

  expect(socket.sent).toHaveLength(sent);
});

test('answers are written as they come, until a megabyte of them is unread', async () => {
  const { socket, line } = openLine();

  const left = line.send('first');
  socket.drain();
  await left;
  for (let count = 0; count < 1024; count += 1) void line.send(KIB);
  const before = socket.closedWith;
  void line.send(KIB);

  expect(socket.sent[0]).toBe('first');
  expect(before).toBeUndefined();
  expect(socket.closedWith).toBe(STALLED_CODE);
});

test('on a socket that is closed nothing is written, and nobody waits', async () => {
  const { socket, line } = openLine();
  const speaker = new Newest(line);
  socket.readyState = 3;

  await line.send('answer');
  speaker.tell('a', 'a');
  jest.advanceTimersByTime(60_000);
  line.checkLiveness();

  expect([socket.sent, socket.pings]).toEqual([[], []]);
});
