import type { Writable } from 'node:stream';

/** Most bytes of log lines that are kept for a reader that does not read. */
export const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;

/** After lines were dropped, new ones are kept again once the backlog is this small: gaps are few and long. */
const RESUME_BYTES = BACKLOG_BYTES_MAX / 2;

/** Waiting lines are written together in pieces of about this size. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Writes log lines to a stream and bounds what waits for its reader. A line that does not fit is
 * dropped and counted: a stopped log reader must not use up the server's memory.
 */
export class LogOutput {
  readonly #stream: Writable;
  /** What waits while the stream is full, oldest first. */
  readonly #waiting: Piece[] = [];
  #waitingBytes = 0;
  /** The stream takes no more until it has drained. */
  #isFull = false;
  /** The last write failed; until one succeeds, a report would be lost as well. */
  #isFailing = false;
  #dropped = 0;
  #unreported = 0;
  #report: (count: number) => void = () => {};

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('drain', () => this.#writeWaiting());
    // A closed pipe or a full disk must not end the sale: its lines are dropped. After an error no
    // drain comes, so the next line tries again.
    stream.on('error', () => {
      this.#isFull = false;
      this.#dropWaiting();
    });
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes that wait for the reader. */
  get backlog(): number {
    return this.#stream.writableLength + this.#waitingBytes;
  }

  /** From now on this reports how many lines were dropped, once there is room again. */
  onResumed(report: (count: number) => void): void {
    this.#report = report;
  }

  /** Writes a line, keeps it until the stream has room, or drops it. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    const limit = this.#unreported > 0 ? RESUME_BYTES : BACKLOG_BYTES_MAX;
    if (this.#stream.destroyed || this.backlog + bytes.length > limit) return this.#drop(1);
    if (!this.#isFailing) this.#reportDropped();
    if (!this.#isFull) return this.#send(bytes, 1);
    this.#keep(line, bytes.length);
  }

  #send(bytes: Buffer, lines: number): void {
    this.#isFull = !this.#stream.write(bytes, (error) => {
      if (error) this.#drop(lines);
      else if (this.#isFailing) this.#reportDropped();
      this.#isFailing = Boolean(error);
    });
  }

  #keep(line: string, bytes: number): void {
    let last = this.#waiting.at(-1);
    if (last === undefined || last.bytes >= PIECE_BYTES) {
      last = { lines: [], bytes: 0 };
      this.#waiting.push(last);
    }
    last.lines.push(line);
    last.bytes += bytes;
    this.#waitingBytes += bytes;
  }

  #writeWaiting(): void {
    this.#isFull = false;
    while (!this.#isFull) {
      const piece = this.#waiting.shift();
      if (piece === undefined) return this.#reportDropped();
      this.#waitingBytes -= piece.bytes;
      this.#send(Buffer.from(piece.lines.join('')), piece.lines.length);
    }
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#unreported += count;
  }

  #dropWaiting(): void {
    for (const { lines } of this.#waiting.splice(0)) this.#drop(lines.length);
    this.#waitingBytes = 0;
  }

  #reportDropped(): void {
    const count = this.#unreported;
    if (count === 0) return;
    // First, because the report is itself a line.
    this.#unreported = 0;
    this.#report(count);
  }
}

/** Lines that are written together. */
interface Piece {
  readonly lines: string[];
  bytes: number;
}

let output: LogOutput | undefined;

/** Standard output, of which a process has one. */
export function standardOutput(): LogOutput {
  return (output ??= new LogOutput(process.stdout));
}

/** Log lines that this process has dropped. */
export function droppedLogLines(): number {
  return output?.dropped ?? 0;
}
