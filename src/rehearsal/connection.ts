import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A request to another path than that of GraphQL. */
export interface Post {
  readonly path: string;
  /** Further header lines, each with its line end. */
  readonly headers: string;
  /** JSON in ASCII. */
  readonly body: string;
}

/** Receives the status and the body of an answer. */
export type OnAnswer = (status: number, body: string) => void;

/**
 * One buyer's keep-alive connection. It implements only the HTTP that our servers use: a status line, a
 * content-length, a body, one request at a time. Node's own client would cost more CPU than the server
 * under measurement.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #graphqlHead: string;
  #onAnswer: OnAnswer = () => {};
  #onLost: (error: Error) => void = () => {};
  #answer = '';

  private constructor(socket: Socket, host: string) {
    this.#socket = socket.setNoDelay(true);
    this.#host = host;
    this.#graphqlHead = this.#headOf('/graphql', '');
    socket.on('data', (chunk) => this.#take(chunk.toString('latin1')));
    socket.on('error', (error) => this.#onLost(error));
    socket.on('close', () => this.#onLost(new Error('A connection was closed.')));
  }

  /** Opens a connection. @throws where the server cannot be reached */
  static async connect(url: string): Promise<Connection> {
    const { host, hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new Connection(socket, host);
  }

  /** Opens a connection and sends one request, so that no run includes the cost of connecting. */
  static async open(url: string): Promise<Connection> {
    const connection = await Connection.connect(url);
    await new Promise<void>((resolve, reject) => {
      connection.exchange('{"query":"{ __typename }"}', () => resolve(), reject);
    });
    return connection;
  }

  /** Whether a request can be sent. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  /** Sends a request after the answer to the last one. Exactly one of the functions is called first. */
  exchange(request: string | Post, onAnswer: OnAnswer, onLost: (error: Error) => void): void {
    this.#onAnswer = onAnswer;
    this.#onLost = onLost;
    const isGraphql = typeof request === 'string';
    const head = isGraphql ? this.#graphqlHead : this.#headOf(request.path, request.headers);
    const body = isGraphql ? request : request.body;
    this.#socket.write(`${head}${body.length}\r\n\r\n${body}`, 'latin1');
  }

  #headOf(path: string, headers: string): string {
    return `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\n${headers}content-length: `;
  }

  /** Closes it; a request in flight is not answered. */
  close(): void {
    this.#onLost = () => {};
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#answer += text;
    const bodyAt = this.#answer.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1]);
    if (Number.isNaN(length)) return this.#onLost(new Error(`No length: ${this.#answer}`));
    if (this.#answer.length < bodyAt + length) return;
    const answer = this.#answer;
    this.#answer = '';
    this.#onAnswer(Number(answer.slice(9, 12)), answer.slice(bodyAt));
  }
}
