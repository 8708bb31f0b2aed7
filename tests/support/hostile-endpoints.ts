import { WebSocket } from 'ws';
import type { GraphqlAnswer, ApiError } from './graphql-client.ts';

/** Internals that no answer may contain: a stack, a statement, a source file, a library's class. */
export const LEAK =
  /\bat (?!\d)[^"]*:\d+:\d+|node_modules|\/src\/|\.(ts|js)\b|\b(select|insert|update)\b .*\b(from|into|set)\b|postgres|mikro|constraint|undefined/i;

/** The error codes of the contract, without the code of a masked bug. */
const CODES: readonly string[] = [
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'OVERLOADED',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
];

/** The answer of either endpoint to one request. */
export interface HostileAnswer {
  readonly what: string;
  /** The HTTP status; for a websocket its close code, or 200. */
  readonly status: number;
  readonly text: string;
  readonly errors: readonly ApiError[];
  // oxlint-disable-next-line no-explicit-any
  readonly data?: any;
}

/** The defects of an answer, each in a sentence that names the request. */
export function complaintsOf(
  { what, status, text, errors }: HostileAnswer,
  secrets: readonly string[],
): string[] {
  const codes = errors.map(({ extensions }) => String(extensions?.code));
  const defects = [
    status >= 500 && status < 600 && status !== 503 && `HTTP ${status}`,
    status >= 4500 && `closed with ${status}`,
    ...codes.filter((code) => !CODES.includes(code)).map((code) => `the code ${code}`),
    errors.length > 10 && `${errors.length} errors`,
    /did you mean/i.test(text) && 'a hint',
    LEAK.test(text) && `a leak: ${LEAK.exec(text)![0].slice(0, 80)}`,
    ...secrets.filter((secret) => text.includes(secret)).map((secret) => `the secret ${secret}`),
  ];
  return defects.filter(Boolean).map((defect) => `${what}: ${String(defect)}`);
}

/** The codes of an answer's errors, each once. */
export function codesOf({ errors }: Pick<HostileAnswer, 'errors'>): string[] {
  return [...new Set(errors.map(({ extensions }) => extensions.code))].toSorted((one, other) =>
    one < other ? -1 : 1,
  );
}

/** Differences between the errors of the endpoints for one document; size limits may differ. */
export function differencesBetween(overHttp: HostileAnswer, overSocket: HostileAnswer): string[] {
  // An overloaded endpoint has not validated the document.
  const isOverloaded = [overHttp, overSocket].some((answer) =>
    codesOf(answer).includes('OVERLOADED'),
  );
  const isTooLong = overSocket.status === 1009;
  const isValidated = [overHttp, overSocket].some(({ errors }) =>
    errors.some(({ extensions: { code } }) => OF_DOCUMENT.includes(code)),
  );
  const [http, socket] = [JSON.stringify(overHttp.errors), JSON.stringify(overSocket.errors)];
  return isTooLong || isOverloaded || !isValidated || http === socket
    ? []
    : [`${overHttp.what}: ${http}, by socket: ${socket}`];
}

const OF_DOCUMENT = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED'];

/** Production settings: behind one proxy, without introspection. */
export const PRODUCTION_SETTINGS = { TRUSTED_PROXY_HOPS: '1', GRAPHQL_EXPLORER: 'false' };

let sent = 0;

/** A new client address for each request, because failures of one address are limited. */
export function uniqueAddress(): { 'x-forwarded-for': string } {
  sent += 1;
  return { 'x-forwarded-for': `10.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}` };
}

/** The members of a GraphQL request, of any type. */
export type Payload = Readonly<Record<string, unknown>>;

/** Sends one operation, or a raw body, by POST. */
export async function post(
  url: string,
  payload: Payload | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Omit<HostileAnswer, 'what'>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...uniqueAddress(), ...headers },
    body: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });
  const text = await response.text();
  const { data, errors = [] } = JSON.parse(text) as Partial<GraphqlAnswer>;
  return { status: response.status, text, errors, data };
}

/** A message of the websocket; one with a code means that the socket was closed. */
interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
  readonly code?: number;
}

/** A time limit: the server answers every message or closes the socket. */
const ANSWER_MS = 10_000;

/** How many earlier streams stay open, like on a page; the server allows twenty. */
const STREAMS_MAX = 10;

/** A websocket client that reconnects after the server has closed the socket. */
export class HostileSocket implements Disposable {
  readonly #url: string;
  #socket: WebSocket | undefined;
  #subscriptions = 0;
  /** Receives each message and the close of the socket. */
  #onMessage: (message: Message) => void = () => {};

  constructor(url: string) {
    this.#url = url;
  }

  /** Subscribes with this payload and returns the first answer; later values are ignored. */
  async subscribe(payload: Payload): Promise<Omit<HostileAnswer, 'what'>> {
    this.#subscriptions += 1;
    const id = `s${this.#subscriptions}`;
    const answer = await this.send(JSON.stringify({ type: 'subscribe', id, payload }), id);
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(`{"type":"complete","id":"s${this.#subscriptions - STREAMS_MAX}"}`);
    return answer;
  }

  /** Sends a message on an initialised connection; returns the next answer, or the next with this id. */
  async send(message: string | Buffer, id?: string): Promise<Omit<HostileAnswer, 'what'>> {
    const socket = await this.#initialized();
    const answered = this.#next((answer) => id === undefined || answer.id === id);
    socket.send(message);
    const { type, payload, code } = await answered;
    const text = JSON.stringify(payload ?? type);
    if (code !== undefined) return { status: code, text, errors: [] };
    if (type === 'error') return { status: 200, text, errors: payload as ApiError[] };
    const { data, errors = [] } = (payload ?? {}) as Partial<GraphqlAnswer>;
    return { status: 200, text, errors, data };
  }

  /** The next message of this kind, or the close of the socket. */
  #next(matches: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('The server sent no answer')), ANSWER_MS);
      this.#onMessage = (message) => {
        if (message.code === undefined && !matches(message)) return;
        clearTimeout(late);
        resolve(message);
      };
    });
  }

  async #initialized(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    const socket = new WebSocket(this.#url, 'graphql-transport-ws', { headers: uniqueAddress() });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', (code) => this.#onMessage({ type: 'closed', code }));
    socket.on('message', (data: Buffer) => this.#onMessage(JSON.parse(data.toString()) as Message));
    await new Promise((resolve) => socket.once('open', resolve));
    const acknowledged = this.#next(({ type }) => type === 'connection_ack');
    socket.send('{"type":"connection_init"}');
    await acknowledged;
    return socket;
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }
}

/** Opens `count` hostile sockets that are disposed together. */
export function openHostileSockets(
  url: string,
  count: number,
): Disposable & { readonly list: readonly HostileSocket[] } {
  const list = Array.from({ length: count }, () => new HostileSocket(url));
  return {
    list,
    [Symbol.dispose]() {
      for (const socket of list) socket[Symbol.dispose]();
    },
  };
}

/** Processes all items with these workers in parallel; returns the results in order. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  workers: readonly ((item: Item) => Promise<Result>)[],
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  await Promise.all(
    workers.map(async (work) => {
      while (next < items.length) {
        const place = next++;
        results[place] = await work(items[place]!);
      }
    }),
  );
  return results;
}

/** A list of `count` equal workers. */
export function workers<Item, Result>(
  count: number,
  work: (item: Item) => Promise<Result>,
): ((item: Item) => Promise<Result>)[] {
  return Array.from({ length: count }, () => work);
}
