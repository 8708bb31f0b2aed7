import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection without requests in flight. */
interface Idle {
  /** By this process's monotonic clock. */
  readonly since: number;
  /** Bytes read until then. More bytes mean that a request has begun. */
  readonly bytesRead: number;
}

/** A connection with unanswered requests. */
interface Busy {
  unanswered: number;
  /** The response to the newest request. */
  newest: ServerResponse;
  /** Whether that request lets its connection stay open. */
  keepsAlive: boolean;
}

/** The open connections of the port and their requests in flight; websockets are only counted. */
export class Connections {
  #open = 0;
  /** The longest idle first. */
  readonly #idle = new Map<Socket, Idle>();
  readonly #busy = new Map<Socket, Busy>();
  readonly #idleMs: number;
  #isClosing = false;

  /** An idle connection is closed to free a slot only after `idleMs`. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Number of open connections, including websockets. */
  get open(): number {
    return this.#open;
  }

  /** Records a new connection. */
  add(socket: Socket): void {
    this.#open += 1;
    this.#setIdle(socket);
    socket.once('close', () => {
      this.#open -= 1;
      this.#idle.delete(socket);
      this.#busy.delete(socket);
    });
  }

  /** Records an upgrade to a websocket, accepted or refused. */
  upgraded(socket: Socket): void {
    this.#idle.delete(socket);
  }

  /**
   * Records a request. Returns the number of unanswered requests on its connection, including this one.
   * Undefined if an earlier response closes the connection: this request must not be processed then
   * (RFC 9112, 9.6).
   */
  begin(socket: Socket, response: ServerResponse): number | undefined {
    this.#idle.delete(socket);
    const busy = this.#busy.get(socket);
    if (busy?.newest.headersSent && !busy.newest.shouldKeepAlive) return undefined;
    const keepsAlive = response.shouldKeepAlive;
    if (this.#isClosing) {
      // Of pipelined requests, only the last response may close the connection.
      if (busy !== undefined) busy.newest.shouldKeepAlive = busy.keepsAlive;
      response.shouldKeepAlive = false;
    }
    const unanswered = (busy?.unanswered ?? 0) + 1;
    this.#busy.set(socket, { unanswered, newest: response, keepsAlive });
    response.once('close', () => this.#answered(socket));
    return unanswered;
  }

  #answered(socket: Socket): void {
    const busy = this.#busy.get(socket);
    if (busy === undefined) return;
    busy.unanswered -= 1;
    if (busy.unanswered > 0) return;
    this.#busy.delete(socket);
    if (!socket.destroyed) this.#setIdle(socket);
  }

  #setIdle(socket: Socket): void {
    this.#idle.set(socket, { since: performance.now(), bytesRead: socket.bytesRead });
  }

  /** Whether the connection is idle after at least one response. */
  isKept(socket: Socket): boolean {
    return (this.#idle.get(socket)?.bytesRead ?? 0) > 0;
  }

  /** From now on each response closes its connection, including those to requests in flight. */
  disableKeepAlive(): void {
    this.#isClosing = true;
    for (const { newest } of this.#busy.values()) {
      if (!newest.headersSent) newest.shouldKeepAlive = false;
    }
  }

  /** Closes the longest idle connection to free a slot. */
  makeRoom(): void {
    for (const [socket, idle] of this.#idle) {
      if (performance.now() - idle.since < this.#idleMs) return;
      if (this.#closeIfIdle(socket, idle)) return;
    }
  }

  /** Closes each connection that has been idle for at least this many milliseconds. */
  closeIdle(forMs: number): void {
    const before = performance.now() - forMs;
    for (const [socket, idle] of this.#idle) {
      if (idle.since <= before) this.#closeIfIdle(socket, idle);
    }
  }

  #closeIfIdle(socket: Socket, { bytesRead }: Idle): boolean {
    this.#idle.delete(socket);
    if (socket.bytesRead !== bytesRead) return false;
    socket.destroy();
    return true;
  }
}
