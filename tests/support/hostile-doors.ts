import { WebSocket } from 'ws';
import type { GraphqlAnswer, ToldError } from './graphql-client.ts';

/** What no answer may show: a stack, a statement, a file of ours, a class of a library. */
export const LEAK =
  /\bat (?!\d)[^"]*:\d+:\d+|node_modules|\/src\/|\.(ts|js)\b|\b(select|insert|update)\b .*\b(from|into|set)\b|postgres|mikro|constraint|undefined/i;

/** The contract's codes of an error; a masked one is missing because it is a fault of ours. */
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

/** What either door answered to one request. */
export interface HostileAnswer {
  readonly what: string;
  /** The HTTP status; for a socket the code it was closed with, or 200. */
  readonly status: number;
  readonly text: string;
  readonly errors: readonly ToldError[];
  // oxlint-disable-next-line no-explicit-any
  readonly data?: any;
}

/** What an answer shows that it must not, each in a sentence that names the request. */
export function complaintsOf(
  { what, status, text, errors }: HostileAnswer,
  secrets: readonly string[],
): string[] {
  const codes = errors.map(({ extensions }) => String(extensions?.code));
  const found = [
    status >= 500 && status < 600 && status !== 503 && `HTTP ${status}`,
    status >= 4500 && `closed with ${status}`,
    ...codes.filter((code) => !CODES.includes(code)).map((code) => `the code ${code}`),
    errors.length > 10 && `${errors.length} errors`,
    /did you mean/i.test(text) && 'a hint',
    LEAK.test(text) && `a leak: ${LEAK.exec(text)![0].slice(0, 80)}`,
    ...secrets.filter((secret) => text.includes(secret)).map((secret) => `the secret ${secret}`),
  ];
  return found.filter(Boolean).map((wrong) => `${what}: ${String(wrong)}`);
}

/** The codes of an answer's errors, each once. */
export function codesOf({ errors }: Pick<HostileAnswer, 'errors'>): string[] {
  return [...new Set(errors.map(({ extensions }) => extensions.code))].toSorted((one, other) =>
    one < other ? -1 : 1,
  );
}

/** Where the doors differ about a document by a letter; about its size and what it is for they may. */
export function judgedOtherwise(overHttp: HostileAnswer, overSocket: HostileAnswer): string[] {
  // Neither has judged a document that waited too long for its turn.
  const isOverloaded = [overHttp, overSocket].some((answer) =>
    codesOf(answer).includes('OVERLOADED'),
  );
  const isTooLong = overSocket.status === 1009;
  const isJudged = [overHttp, overSocket].some(({ errors }) =>
    errors.some(({ extensions: { code } }) => OF_DOCUMENT.includes(code)),
  );
  const [http, socket] = [JSON.stringify(overHttp.errors), JSON.stringify(overSocket.errors)];
  return isTooLong || isOverloaded || !isJudged || http === socket
    ? []
    : [`${overHttp.what}: ${http}, by socket: ${socket}`];
}

const OF_DOCUMENT = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED'];

/** As a server is in production: behind a proxy that names its callers, and silent about its schema. */
export const AS_IN_PRODUCTION = { TRUSTED_PROXY_HOPS: '1', GRAPHQL_EXPLORER: 'false' };

let sent = 0;

/** An address of its own for each request: so many failures of one would soon be refused. */
export function anAddress(): { 'x-forwarded-for': string } {
  sent += 1;
  return { 'x-forwarded-for': `10.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}` };
}

/** What is sent to a GraphQL door; hostile, so of any type. */
export type Payload = Readonly<Record<string, unknown>>;

/** Sends one operation, or a body as it stands, by POST. */
export async function post(
  url: string,
  payload: Payload | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Omit<HostileAnswer, 'what'>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...anAddress(), ...headers },
    body: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });
  const text = await response.text();
  const { data, errors = [] } = JSON.parse(text) as Partial<GraphqlAnswer>;
  return { status: response.status, text, errors, data };
}

/** What a socket says; with a code, its goodbye. */
interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
  readonly code?: number;
}

/** A limit and not a wait: every message is answered or ends the conversation. */
const ANSWER_MS = 10_000;

/** So many streams stay open beside the next one, as on a page; a socket carries twenty. */
const STREAMS_MAX = 10;

/** One conversation after the other with the websocket door; one that was closed is opened anew. */
export class SocketDoor implements Disposable {
  readonly #url: string;
  #socket: WebSocket | undefined;
  #asked = 0;
  /** What is to be done with each message, and with the goodbye. */
  #hear: (message: Message) => void = () => {};

  constructor(url: string) {
    this.#url = url;
  }

  /** Subscribes with this payload, and gives the first answer; what comes later is left unheard. */
  async subscribe(payload: Payload): Promise<Omit<HostileAnswer, 'what'>> {
    this.#asked += 1;
    const id = `s${this.#asked}`;
    const answer = await this.say(JSON.stringify({ type: 'subscribe', id, payload }), id);
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(`{"type":"complete","id":"s${this.#asked - STREAMS_MAX}"}`);
    return answer;
  }

  /** Says this after the greeting, and gives what is answered: under the id, or anything. */
  async say(message: string | Buffer, id?: string): Promise<Omit<HostileAnswer, 'what'>> {
    const socket = await this.#greeted();
    const answered = this.#next((heard) => id === undefined || heard.id === id);
    socket.send(message);
    const { type, payload, code } = await answered;
    const text = JSON.stringify(payload ?? type);
    if (code !== undefined) return { status: code, text, errors: [] };
    if (type === 'error') return { status: 200, text, errors: payload as ToldError[] };
    const { data, errors = [] } = (payload ?? {}) as Partial<GraphqlAnswer>;
    return { status: 200, text, errors, data };
  }

  /** The next message of this kind, or the goodbye. */
  #next(isMeant: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('The socket says nothing')), ANSWER_MS);
      this.#hear = (message) => {
        if (message.code === undefined && !isMeant(message)) return;
        clearTimeout(late);
        resolve(message);
      };
    });
  }

  async #greeted(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    const socket = new WebSocket(this.#url, 'graphql-transport-ws', { headers: anAddress() });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', (code) => this.#hear({ type: 'closed', code }));
    socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as Message));
    await new Promise((resolve) => socket.once('open', resolve));
    const greeted = this.#next(({ type }) => type === 'connection_ack');
    socket.send('{"type":"connection_init"}');
    await greeted;
    return socket;
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }
}

/** So many conversations with the websocket door, all closed at once. */
export function openDoors(
  url: string,
  count: number,
): Disposable & { readonly list: readonly SocketDoor[] } {
  const list = Array.from({ length: count }, () => new SocketDoor(url));
  return {
    list,
    [Symbol.dispose]() {
      for (const door of list) door[Symbol.dispose]();
    },
  };
}

/** Does the work for each item, so many at a time, and gives what came of all. */
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

/** The same worker so many times. */
export function hands<Item, Result>(
  count: number,
  work: (item: Item) => Promise<Result>,
): ((item: Item) => Promise<Result>)[] {
  return Array.from({ length: count }, () => work);
}
