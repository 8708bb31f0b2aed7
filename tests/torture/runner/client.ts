import { Agent, request as httpRequest } from 'node:http';
import { AS_ADMIN } from '../../support/graphql-client.ts';
import { WEBHOOK } from '../../support/provider.ts';
import type { Answer, Call, EventContent, Request } from '../checker/history.ts';

/** Milliseconds after which an answer counts as unknown. A frozen server may carry the call out later. */
const TIMEOUT_MS = 3000;

/** The answer, or the reason why there is none. */
type Response =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  /** The connection was refused: the server never had the request. */
  | { readonly kind: 'not connected' }
  | { readonly kind: 'lost'; readonly reason: string };

/** A GraphQL operation of the run, and how its answer is read. */
export interface Operation {
  readonly query: string;
  readonly variables: object;
  /** The state that a success names. */
  readonly says: (result: Readonly<Record<string, unknown>>) => string;
}

/** The root field of an answer; null where it is null. */
export type Result = Readonly<Record<string, unknown>> | null;

/** Sends calls to the servers of a run and records each with its answer. */
export class RecordingClient {
  /** In the order of their returns. */
  readonly calls: Call[] = [];
  readonly #urls: readonly string[];
  readonly #agent = new Agent({ keepAlive: true });
  #begun = 0;
  #positions = 0;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get servers(): number {
    return this.#urls.length;
  }

  /** Resolves when this number of calls is recorded. */
  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      this.#wake();
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Executes one operation at a server; the recorded answer, and the root field of a success. */
  async execute(
    server: number,
    request: Request,
    { query, variables, says }: Operation,
  ): Promise<{ readonly answer: Answer; readonly result: Result }> {
    let result: Result = null;
    const answer = await this.#record(server, request, async () => {
      const body = JSON.stringify({ query, variables });
      const response = await this.#post(server, '/graphql', body, AS_ADMIN);
      const read = readGraphql(response, says);
      result = read.result;
      return read.answer;
    });
    return { answer, result };
  }

  /** Asks a question that is no part of the history; null where it has no answer. */
  async ask(server: number, query: string, variables: object): Promise<Result> {
    const body = JSON.stringify({ query, variables });
    return readGraphql(await this.#post(server, '/graphql', body, AS_ADMIN), () => '').result;
  }

  /** Delivers an event to a server. */
  deliver(
    server: number,
    request: Request,
    { orderId, event }: { readonly orderId: string; readonly event: EventContent },
  ): Promise<Answer> {
    const { key, paymentId, reportedStatus, amount, currency } = event;
    const body = JSON.stringify({
      payment_id: paymentId,
      order_id: orderId,
      status: reportedStatus,
      idempotency_key: key,
      ...(amount === null ? {} : { amount }),
      ...(currency === null ? {} : { currency }),
    });
    return this.#record(server, request, async () =>
      readDelivery(await this.#post(server, WEBHOOK, body)),
    );
  }

  async #record(server: number, request: Request, send: () => Promise<Answer>): Promise<Answer> {
    const id = (this.#begun += 1);
    const begins = (this.#positions += 1);
    const calledAt = Date.now();
    const answer = await send();
    const returnedAt = Date.now();
    const ends = (this.#positions += 1);
    this.calls.push({ id, server, request, answer, calledAt, returnedAt, begins, ends });
    this.#wake();
    return answer;
  }

  #wake(): void {
    for (const { count, resolve } of this.#waiting) if (this.calls.length >= count) resolve();
  }

  #post(server: number, path: string, body: string, headers = {}): Promise<Response> {
    return new Promise((resolve) => {
      const outgoing = httpRequest(
        `${this.#urls[server]!}${path}`,
        {
          agent: this.#agent,
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', ({ message }) => resolve({ kind: 'lost', reason: message }));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ kind: 'answer', status: response.statusCode!, text });
          });
        },
      );
      const timeout = setTimeout(() => {
        resolve({ kind: 'lost', reason: 'timeout' });
        outgoing.destroy();
      }, TIMEOUT_MS);
      outgoing.on('close', () => clearTimeout(timeout));
      outgoing.on('error', ({ code, message }: NodeJS.ErrnoException) =>
        resolve(
          code === 'ECONNREFUSED'
            ? { kind: 'not connected' }
            : { kind: 'lost', reason: code ?? message },
        ),
      );
      outgoing.end(body);
    });
  }
}

const unknown = (reason: string): Answer => ({ kind: 'unknown', reason });

/** An answer that is none; undefined for one with content. */
function withoutContent(response: Response): Answer | undefined {
  if (response.kind === 'not connected') return { kind: 'refused', code: 'NOT_CONNECTED' };
  if (response.kind === 'lost') return unknown(response.reason);
  // The database was away, or lost during the commit; or the server is starting.
  return response.status === 503 ? unknown('HTTP 503') : undefined;
}

function readGraphql(
  response: Response,
  says: Operation['says'],
): { readonly answer: Answer; readonly result: Result } {
  const none = withoutContent(response);
  if (response.kind !== 'answer' || none !== undefined) return { answer: none!, result: null };
  const { data, errors } = JSON.parse(response.text) as {
    readonly data?: Readonly<Record<string, Result>>;
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
  if (errors !== undefined)
    return { answer: unknown(`error ${errors[0]!.extensions.code}`), result: null };
  const result = Object.values(data!)[0]!;
  if (result === null) return { answer: ok('null', null), result };
  const { code, order } = result as {
    readonly code?: string;
    readonly order?: { readonly status: string };
  };
  if (code !== undefined) {
    const refused = order === undefined ? code : `${code} ${order.status}`;
    return { answer: { kind: 'refused', code: refused }, result: null };
  }
  return { answer: ok(says(result), result['id']), result };
}

const ok = (says: string, id: unknown, body: string | null = null): Answer => ({
  kind: 'ok',
  says,
  id: typeof id === 'string' ? id : null,
  body,
});

function readDelivery(response: Response): Answer {
  const none = withoutContent(response);
  if (response.kind !== 'answer' || none !== undefined) return none!;
  const { status, text } = response;
  const body = JSON.parse(text) as {
    readonly outcome?: string;
    readonly order_status?: string | null;
    readonly error?: string;
  };
  if (body.outcome !== undefined)
    return ok(`${status} ${body.outcome} ${body.order_status ?? 'null'}`, null, text);
  if (body.error === 'idempotency_key_reused') return { kind: 'refused', code: body.error };
  return unknown(`error ${status} ${body.error}`);
}
