import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection on which nothing is under way. */
interface Idle {
  /** By this process's monotonic clock. */
  readonly since: number;
  /** Bytes read until then. More bytes are the beginning of a request. */
  readonly bytesRead: number;
}

/** A connection with requests that are not answered yet. */
interface Busy {
  unanswered: number;
  /** The answer to the newest request. */
  newest: ServerResponse;
  /** Whether that request lets its connection stay open. */
  keepsAlive: boolean;
}

/**
 * An idle connection is closed for lack of room only after this many milliseconds. A client
 * that just had an answer is likely to send its next request on the same connection.
 */
const IDLE_MS_MIN = 5000;

/** The open connections of the port, and what is under way on each. Websockets count as open only. */
export class Connections {
  #open = 0;
  /** The longest idle first. */
  readonly #idle = new Map<Socket, Idle>();
  readonly #busy = new Map<Socket, Busy>();
  #leaving = false;

  /** How many are open, websockets among them. */
  get open(): number {
    return this.#open;
  }

  /** A connection was opened. */
  add(socket: Socket): void {
    this.#open += 1;
    this.#rest(socket);
    socket.once('close', () => {
      this.#open -= 1;
      this.#idle.delete(socket);
      this.#busy.delete(socket);
    });
  }

  /** A connection was taken over as a websocket, or is refused to be one. */
  upgraded(socket: Socket): void {
    this.#idle.delete(socket);
  }

  /**
   * A request came. Gives how many of its connection are not answered, this one among them.
   * Undefined: an answer said that it is the connection's last, so this request must not be
   * processed (RFC 9112, 9.6).
   */
  begin(socket: Socket, response: ServerResponse): number | undefined {
    this.#idle.delete(socket);
    const busy = this.#busy.get(socket);
    if (busy?.newest.headersSent && !busy.newest.shouldKeepAlive) return undefined;
    const keepsAlive = response.shouldKeepAlive;
    if (this.#leaving) {
      // Of requests that a client pipelined, only the last answer may close the connection.
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
    if (!socket.destroyed) this.#rest(socket);
  }

  #rest(socket: Socket): void {
    this.#idle.set(socket, { since: performance.now(), bytesRead: socket.bytesRead });
  }

  /** Whether the connection has had an answer, and nothing is under way since. */
  isKept(socket: Socket): boolean {
    return (this.#idle.get(socket)?.bytesRead ?? 0) > 0;
  }

  /** Each answer is its connection's last from now on, those to requests under way among them. */
  leave(): void {
    this.#leaving = true;
    for (const { newest } of this.#busy.values()) {
      if (!newest.headersSent) newest.shouldKeepAlive = false;
    }
  }

  /** Closes the longest idle connection, to make room for another. */
  makeRoom(): void {
    for (const [socket, idle] of this.#idle) {
      if (performance.now() - idle.since < IDLE_MS_MIN) return;
      if (this.#closeIfIdle(socket, idle)) return;
    }
  }

  /** Closes each connection that has been idle for so many milliseconds. */
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
