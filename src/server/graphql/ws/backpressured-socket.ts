import type { WebSocket } from 'ws';

/** Live values are not sent while the client has not confirmed more characters than this. */
const UNCONFIRMED_MAX = 64 * 1024;

/** After this many characters a ping asks the client to confirm what it has read. */
const CONFIRM_EVERY = 16 * 1024;

/** A client that requests more protocol answers than this without reading them is closed. */
const UNREAD_ANSWERS_MAX = 1024 * 1024;

/** Interval of pings on an idle socket. */
const PING_MS = 12_000;

/** A client that does not answer a ping within this time is stalled. */
const STALLED_MS = 10_000;

/** Close code for a stalled client, of the private range: after 1008 clients do not reconnect. */
export const STALLED_CODE = 4008;

/** A source of live frames for one socket. */
export interface FrameSource {
  /** The next frame; called once for each `requestSend`. */
  nextFrame(): string;
}

/**
 * The outgoing frames of one websocket.
 *
 * Protocol answers are written at once. Of the live frames one is in flight until the kernel has it,
 * and none is written while too much is unconfirmed. So neither this process nor the kernel queues
 * frames for a stalled client. A pong confirms everything sent before its ping.
 */
export class BackpressuredSocket {
  readonly #socket: WebSocket;
  readonly #sources = new Set<FrameSource>();
  #isInFlight = false;
  /** Characters sent, and how many of them the client has confirmed. */
  #sent = 0;
  #confirmed = 0;
  /** The unanswered ping: the characters sent before it, and when it was sent. */
  #ping: { readonly sent: number; readonly at: number } | undefined;
  /** By this process's monotonic clock, like all times of this class. */
  #pongedAt = performance.now();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', (payload: Buffer) => this.#onPong(payload.toString('latin1')));
  }

  /** Writes a protocol answer; resolves when the kernel has it or the socket is closed. */
  send(frame: string): Promise<void> {
    if (this.#sent - this.#confirmed > UNREAD_ANSWERS_MAX) this.#closeStalled();
    return new Promise((resolve) => this.#write(frame, () => resolve()));
  }

  /** Sends the source's next frame when possible; a second call before that changes nothing. */
  requestSend(source: FrameSource): void {
    this.#sources.add(source);
    this.#sendNext();
  }

  /** Withdraws a `requestSend`. */
  cancel(source: FrameSource): void {
    this.#sources.delete(source);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Pings an idle client and closes a stalled one; called every second. */
  checkLiveness(): void {
    const now = performance.now();
    if (this.#ping === undefined) {
      if (now - this.#pongedAt >= PING_MS) this.#sendPing();
    } else if (now - this.#ping.at >= STALLED_MS) this.#closeStalled();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Sends one frame of each source in turn. */
  #sendNext(): void {
    if (this.#isInFlight || !this.#isOpen || this.#sent - this.#confirmed >= UNCONFIRMED_MAX)
      return;
    for (const source of this.#sources) {
      this.#sources.delete(source);
      this.#isInFlight = true;
      return this.#write(source.nextFrame(), this.#onWritten);
    }
  }

  readonly #onWritten = (): void => {
    this.#isInFlight = false;
    this.#sendNext();
  };

  #write(frame: string, onWritten: () => void): void {
    if (!this.#isOpen) return onWritten();
    this.#sent += frame.length;
    this.#socket.send(frame, onWritten);
    if (this.#sent - this.#confirmed >= CONFIRM_EVERY && this.#ping === undefined) this.#sendPing();
  }

  #sendPing(): void {
    if (!this.#isOpen) return;
    this.#ping = { sent: this.#sent, at: performance.now() };
    this.#socket.ping(String(this.#sent));
  }

  #onPong(payload: string): void {
    // An unsolicited pong confirms nothing.
    if (this.#ping === undefined || payload !== String(this.#ping.sent)) return;
    this.#confirmed = this.#ping.sent;
    this.#ping = undefined;
    this.#pongedAt = performance.now();
    if (this.#sent - this.#confirmed >= CONFIRM_EVERY) this.#sendPing();
    this.#sendNext();
  }

  #closeStalled(): void {
    this.close(STALLED_CODE, 'Client too slow');
  }
}
