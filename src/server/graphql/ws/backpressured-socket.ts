import type { WebSocket } from 'ws';

/** Live values wait while more characters than this are not known to be read; four times less than a socket may cost. */
const UNREAD_MAX = 64 * 1024;

/** After so many characters the client is asked, by a ping, how far it has read. */
const ASK_EVERY = 16 * 1024;

/** A client that asks for more answers than this without reading them is not one of ours. */
const UNREAD_ANSWERS_MAX = 1024 * 1024;

/** A quiet socket is asked this often whether it is still there. */
const PING_MS = 12_000;

/** A ping that is not answered within this means a client that reads no more. */
const STALLED_MS = 10_000;

/** Closes a stalled socket: 1008 of our own range, because clients take 1008 for final and do not come again. */
export const STALLED_CODE = 4008;

/** One who has something to say on a line. */
export interface Speaker {
  /** The next frame; called once for each time that the line was asked for. */
  speak(): string;
}

/**
 * What goes out on one websocket.
 *
 * Answers of the protocol are written as they come. Live values wait their turn: one frame is in
 * flight until the kernel has it, and none is written while too much is unread, so that neither this
 * process nor the kernel keeps a queue for a client that stalls. How far a client has read it says
 * itself, by its pong, which comes after all that was sent before the ping.
 */
export class BackpressuredSocket {
  readonly #socket: WebSocket;
  readonly #speakers = new Set<Speaker>();
  #isInFlight = false;
  /** Characters sent, and how many of them are known to be read. */
  #sent = 0;
  #read = 0;
  /** The ping that is not answered yet: how much was sent before it, and when that was. */
  #ping: { readonly sent: number; readonly at: number } | undefined;
  /** By this process's monotonic clock, like all of a line's times. */
  #pongedAt = performance.now();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', (payload: Buffer) => this.#hearPong(payload.toString('latin1')));
  }

  /** Writes an answer of the protocol; resolves when the kernel has it, or the socket is closed. */
  send(frame: string): Promise<void> {
    if (this.#sent - this.#read > UNREAD_ANSWERS_MAX) this.#closeStalled();
    return new Promise((resolve) => this.#write(frame, () => resolve()));
  }

  /** Calls the speaker when it is its turn; asking again before that changes nothing. */
  ask(speaker: Speaker): void {
    this.#speakers.add(speaker);
    this.#giveTurn();
  }

  /** The speaker has nothing to say any more. */
  forget(speaker: Speaker): void {
    this.#speakers.delete(speaker);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Looks after the client, once a second or so: pings it when it is time, closes it when it is stalled. */
  look(): void {
    const now = performance.now();
    if (this.#ping === undefined) {
      if (now - this.#pongedAt >= PING_MS) this.#sendPing();
    } else if (now - this.#ping.at >= STALLED_MS) this.#closeStalled();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** The speakers in turn, a frame each. */
  #giveTurn(): void {
    if (this.#isInFlight || !this.#isOpen || this.#sent - this.#read >= UNREAD_MAX) return;
    for (const speaker of this.#speakers) {
      this.#speakers.delete(speaker);
      this.#isInFlight = true;
      return this.#write(speaker.speak(), this.#onLeft);
    }
  }

  readonly #onLeft = (): void => {
    this.#isInFlight = false;
    this.#giveTurn();
  };

  #write(frame: string, onLeft: () => void): void {
    if (!this.#isOpen) return onLeft();
    this.#sent += frame.length;
    this.#socket.send(frame, onLeft);
    if (this.#sent - this.#read >= ASK_EVERY && this.#ping === undefined) this.#sendPing();
  }

  #sendPing(): void {
    if (!this.#isOpen) return;
    this.#ping = { sent: this.#sent, at: performance.now() };
    this.#socket.ping(String(this.#sent));
  }

  #hearPong(payload: string): void {
    // A pong that was not asked for says nothing.
    if (this.#ping === undefined || payload !== String(this.#ping.sent)) return;
    this.#read = this.#ping.sent;
    this.#ping = undefined;
    this.#pongedAt = performance.now();
    if (this.#sent - this.#read >= ASK_EVERY) this.#sendPing();
    this.#giveTurn();
  }

  #closeStalled(): void {
    this.close(STALLED_CODE, 'Too much is unread');
  }
}
