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

/** A socket whose writes and pongs the test controls. */
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

  /** Completes every write in flight, and those that follow. */
  drain(): void {
    while (this.#leaving.length > 0) this.#leaving.shift()!();
  }

  pong(payload = this.pings.at(-1)!): void {
    this.emit('pong', Buffer.from(payload));
  }
}

function openBackpressured() {
  const socket = new FakeSocket();
  return { socket, sender: new BackpressuredSocket(socket as unknown as WebSocket) };
}

/** Sends the newest state of each key, like a subscription to several products. */
class Newest implements FrameSource {
  readonly #sender: BackpressuredSocket;
  readonly #waiting = new Map<string, string>();

  constructor(sender: BackpressuredSocket) {
    this.#sender = sender;
  }

  push(key: string, text: string): void {
    this.#waiting.set(key, text);
    this.#sender.requestSend(this);
  }

  nextFrame(): string {
    const [[key, text]] = this.#waiting as unknown as [[string, string]];
    this.#waiting.delete(key);
    if (this.#waiting.size > 0) this.#sender.requestSend(this);
    return text;
  }
}

const KIB = 'x'.repeat(1024);

test('one frame is in flight, and only the newest state of each key waits', () => {
  const { socket, sender } = openBackpressured();
  const subscriber = new Newest(sender);

  for (const version of [1, 2, 3])
    for (const key of ['a', 'b', 'c']) subscriber.push(key, key + version);
  const inFlight = [...socket.sent];
  socket.drain();

  expect(inFlight).toEqual(['a1']);
  expect(socket.sent).toEqual(['a1', 'b3', 'c3', 'a3']);
});

test('several subscriptions of one socket send in turns', () => {
  const { socket, sender } = openBackpressured();
  const [one, other] = [new Newest(sender), new Newest(sender)];

  for (const key of ['a', 'b']) one.push(key, `one ${key}`);
  for (const key of ['a', 'b']) other.push(key, `other ${key}`);
  socket.drain();

  expect(socket.sent).toEqual(['one a', 'one b', 'other a', 'other b']);
});

test('a subscription that has ended sends nothing', () => {
  const { socket, sender } = openBackpressured();
  const [one, ended] = [new Newest(sender), new Newest(sender)];

  one.push('a', 'one');
  ended.push('a', 'ended');
  sender.cancel(ended);
  socket.drain();

  expect(socket.sent).toEqual(['one']);
});

test('a client that reads nothing is sent 64 KiB, and the newest state when it reads again', () => {
  const { socket, sender } = openBackpressured();
  const subscriber = new Newest(sender);

  for (let version = 1; version <= 200; version += 1) {
    subscriber.push('a', `${version} ${KIB}`);
    socket.drain();
  }
  const unread = socket.sent.join('').length;
  socket.pong();
  socket.drain();

  expect(unread).toBeGreaterThan(63 * 1024);
  expect(unread).toBeLessThan(66 * 1024);
  expect(socket.sent.at(-1)).toBe(`200 ${KIB}`);
});

test('a client that keeps up is pinged every 16 KiB, and gets every state', () => {
  const { socket, sender } = openBackpressured();
  const subscriber = new Newest(sender);

  for (let version = 1; version <= 200; version += 1) {
    const asked = socket.pings.length;
    subscriber.push('a', `${version} ${KIB}`);
    socket.drain();
    if (socket.pings.length > asked) socket.pong();
  }

  expect(socket.sent).toHaveLength(200);
  expect(socket.pings.length).toBeGreaterThanOrEqual(12);
  expect(socket.pings.length).toBeLessThanOrEqual(13);
});

test('a ping that is not answered for ten seconds closes the socket with 4008', () => {
  const { socket, sender } = openBackpressured();
  const subscriber = new Newest(sender);
  for (let version = 1; version <= 17; version += 1) {
    subscriber.push('a', KIB);
    socket.drain();
  }

  jest.advanceTimersByTime(9_999);
  sender.checkLiveness();
  const before = socket.closedWith;
  jest.advanceTimersByTime(1);
  sender.checkLiveness();

  expect(before).toBeUndefined();
  expect(socket.closedWith).toBe(STALLED_CODE);
});

test('a quiet socket is pinged every 12 s, and stays open while it answers', () => {
  const { socket, sender } = openBackpressured();

  for (let second = 0; second < 60; second += 1) {
    jest.advanceTimersByTime(1000);
    sender.checkLiveness();
    if (second % 12 === 0 && socket.pings.length > 0) socket.pong();
  }

  expect(socket.closedWith).toBeUndefined();
  expect(socket.pings.length).toBeGreaterThanOrEqual(3);
});

test('an unexpected pong has no effect', () => {
  const { socket, sender } = openBackpressured();
  const subscriber = new Newest(sender);
  const fill = (): void => {
    for (let version = 1; version <= 200; version += 1) {
      subscriber.push('a', KIB);
      socket.drain();
    }
  };

  fill();
  const sent = socket.sent.length;
  for (const payload of ['', '0', '999999', 'x']) socket.pong(payload);
  fill();

  expect(socket.sent).toHaveLength(sent);
});

test('answers are written at once, until a megabyte of them is unread', async () => {
  const { socket, sender } = openBackpressured();

  const left = sender.send('first');
  socket.drain();
  await left;
  for (let count = 0; count < 1024; count += 1) void sender.send(KIB);
  const before = socket.closedWith;
  void sender.send(KIB);

  expect(socket.sent[0]).toBe('first');
  expect(before).toBeUndefined();
  expect(socket.closedWith).toBe(STALLED_CODE);
});

test('on a closed socket nothing is written, and no call waits', async () => {
  const { socket, sender } = openBackpressured();
  const subscriber = new Newest(sender);
  socket.readyState = 3;

  await sender.send('answer');
  subscriber.push('a', 'a');
  jest.advanceTimersByTime(60_000);
  sender.checkLiveness();

  expect([socket.sent, socket.pings]).toEqual([[], []]);
});
