import type { Writable } from 'node:stream';

/** Maximum bytes of log lines that wait for a stopped reader. */
export const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * After lines were dropped, new ones are kept once the backlog is this small. Gaps are then few and
 * long.
 */
const RESUME_BYTES = BACKLOG_BYTES_MAX / 2;

/** Waiting lines are written together in pieces of about this size. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Writes log lines to a stream, with a bounded backlog. A line that does not fit is dropped and
 * counted: a stopped log reader must not use up the server's memory.
 */
export class LogOutput {
  readonly #stream: Writable;
  /** Lines that wait while the stream is full, oldest first. */
  readonly #waiting: Piece[] = [];
  #waitingBytes = 0;
  /** The stream accepts no data until it has drained. */
  #isFull = false;
  /** The last write failed; until one succeeds, a report would be lost as well. */
  #isFailing = false;
  #dropped = 0;
  #unreported = 0;
  #report: (count: number) => void = () => {};

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('drain', () => this.#writeWaiting());
    // A closed pipe or a full disk must not end the sale: the lines are dropped. After an error there
    // is no drain event, so the next line tries again.
    stream.on('error', () => {
      this.#isFull = false;
      this.#dropWaiting();
    });
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes of the backlog. */
  get backlog(): number {
    return this.#stream.writableLength + this.#waitingBytes;
  }

  /** Sets the function that reports the number of dropped lines, when the stream accepts data again. */
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
    // First, because the report is a line too.
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
