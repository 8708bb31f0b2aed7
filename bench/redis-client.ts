import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What Redis answers, in version 2 of its protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export type Reply = string | number | null | Error | readonly Reply[];

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One connection to Redis over a Unix socket. It implements only what the benchmark sends: commands and
 * answers in ASCII. A package for five commands would be one more dependency of the project. The commands of
 * one turn of the event loop are sent together.
 */
export class RedisClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #unsent: string[] = [];
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk.toString('latin1')));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The connection to Redis was closed.')));
  }

  static async connect(path: string): Promise<RedisClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RedisClient(socket);
  }

  /** Sends a command and returns its answer. @throws if Redis answers with an error */
  send(...words: readonly string[]): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    if (this.#unsent.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push({ resolve, reject });
    const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`);
    this.#unsent.push(`*${words.length}\r\n${parts.join('')}`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    this.#socket.write(this.#unsent.join(''), 'latin1');
    this.#unsent = [];
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #take(text: string): void {
    this.#received += text;
    let at = 0;
    for (let read = replyAt(this.#received, at); read; read = replyAt(this.#received, at)) {
      at = read.end;
      const { resolve, reject } = this.#waiting.shift()!;
      if (read.reply instanceof Error) reject(read.reply);
      else resolve(read.reply);
    }
    this.#received = this.#received.slice(at);
  }
}

interface ReadReply {
  readonly reply: Reply;
  /** Where the next one starts. */
  readonly end: number;
}

/** The reply that starts here; undefined until all of it has arrived. */
function replyAt(text: string, start: number): ReadReply | undefined {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const line = text.slice(start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (text.charAt(start)) {
    case '+':
      return { reply: line, end };
    case '-':
      return { reply: new Error(line), end };
    case ':':
      return { reply: Number(line), end };
    case '*':
      return arrayAt(text, end, Number(line));
    default:
      return textAt(text, end, Number(line));
  }
}

/** A text of this length; a negative length means that there is no value. */
function textAt(text: string, start: number, length: number): ReadReply | undefined {
  if (length < 0) return { reply: null, end: start };
  const end = start + length + 2;
  return end > text.length ? undefined : { reply: text.slice(start, start + length), end };
}

function arrayAt(text: string, start: number, length: number): ReadReply | undefined {
  const replies: Reply[] = [];
  let at = start;
  for (let index = 0; index < length; index += 1) {
    const read = replyAt(text, at);
    if (read === undefined) return undefined;
    replies.push(read.reply);
    at = read.end;
  }
  return { reply: replies, end: at };
}
