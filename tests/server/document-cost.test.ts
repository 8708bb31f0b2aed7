import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { BUDGET, Documents } from '../../src/server/graphql/http/documents.ts';
import { openGraphqlHttp, type GraphqlHttp } from '../../src/server/graphql/http/http.ts';
import { openGraphqlSocket, type GraphqlSocket } from '../../src/server/graphql/ws/socket.ts';
import { WorkBudget, type BudgetLimits } from '../../src/server/graphql/http/work-budget.ts';
import { silentLog } from '../../src/lib/log.ts';
import { send, sendRaw } from '../support/graphql-client.ts';
import { HEAVY, heavyVariables } from '../support/heavy-documents.ts';
import {
  complaintsOf,
  differencesBetween,
  post,
  HostileSocket,
} from '../support/hostile-endpoints.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

/** The worst measured case: valid, 4 kB, and 40 ms of validation. */
const HEAVIEST = HEAVY[0]![1];

describe('at both endpoints of a server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });

  afterAll(() => server.stop());

  test.each(HEAVY)('150 %s have the same answer at both', async (what, query) => {
    using socket = new HostileSocket(server.socketUrl);
    const document = query({ count: 150, alias: 'a', id: '0' });

    const overHttp = {
      what,
      ...(await until('a checked document', async () => {
        const answer = await post(server.url, { query: document });
        return answer.status !== 503 && answer;
      })),
    };
    const overSocket = { what, ...(await socket.subscribe({ query: document })) };

    expect([200, 400]).toContain(overHttp.status);
    expect(complaintsOf(overHttp, [])).toEqual([]);
    expect(differencesBetween(overHttp, overSocket)).toEqual([]);
  });

  test('150 repetitions are refused by the first limit that they pass', async () => {
    const { status, errors } = await send(
      server.url,
      HEAVIEST({ count: 150, alias: 'a', id: '0' }),
    );

    expect([status, errors]).toEqual([
      400,
      [
        {
          message: 'The document has more than 300 fields.',
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        },
      ],
    ]);
  });

  test.each(heavyVariables(120_000))(
    'a known document with %s of 120 kB is one short error',
    async (what, payload) => {
      // New documents share a budget; the document is cached after its first check.
      await until('a known document', async () => {
        const { status } = await post(server.url, { query: payload.query });
        return status !== 503;
      });

      const answer = await post(server.url, payload);

      expect([200, 400]).toContain(answer.status);
      expect(complaintsOf({ what, ...answer }, [])).toEqual([]);
      expect(answer.text.length).toBeLessThan(1000);
    },
  );

  test('a body with more than 1,000 values is refused before it is parsed', async () => {
    const { status, errors } = await post(server.url, `{"variables":[${'0,'.repeat(1000)}0`);

    expect([status, errors]).toEqual([
      400,
      [{ message: 'The body has more than 1000 values.', extensions: { code: 'BAD_REQUEST' } }],
    ]);
  });

  test('commas and quotes in a string do not count as values', async () => {
    const query = `{ __typename } # ${String.raw`\\",`.repeat(2000)}`;

    expect((await post(server.url, { query })).status).toBe(200);
  });

  test.each(heavyVariables(12_000))(
    'a known document with %s of 12 kB has the same answer at both',
    async (what, payload) => {
      using socket = new HostileSocket(server.socketUrl);

      const overHttp = { what, ...(await post(server.url, payload)) };
      const overSocket = { what, ...(await socket.subscribe(payload)) };

      expect([overHttp, overSocket].flatMap((answer) => complaintsOf(answer, []))).toEqual([]);
      expect(overHttp.text.length).toBeLessThan(1000);
      expect(overSocket.text.length).toBeLessThan(1000);
      expect(differencesBetween(overHttp, overSocket)).toEqual([]);
    },
  );

  test.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('%s nested thousands deep as variables are refused at both', async (_what, open, close) => {
    using socket = new HostileSocket(server.socketUrl);
    const query = 'subscription ($a: [ID!]!) { stockChanged(productIds: $a) { id } }';
    const variables = `{"a":${open.repeat(2600)}1${close.repeat(2600)}}`;
    const payload = `{"query":${JSON.stringify(query)},"variables":${variables}}`;

    const { status, text } = await sendRaw(server.url, {
      headers: { 'content-type': 'application/json' },
      body: payload,
    });
    const overSocket = await socket.send(`{"type":"subscribe","id":"a","payload":${payload}}`, 'a');
    const after = await socket.subscribe({
      query: 'subscription { stockChanged(productIds: ["0"]) { id } }',
    });

    const refused = [
      {
        message: 'The variables are nested more than 20 levels deep.',
        extensions: { code: 'BAD_REQUEST' },
      },
    ];
    expect([status, JSON.parse(text)]).toEqual([400, { errors: refused }]);
    expect(overSocket).toMatchObject({ status: 200, errors: refused });
    expect(after.status).toBe(200);
  });
});

describe('the budget of new documents', () => {
  const schema: GraphQLSchema = buildSchema(
    'type Query { now: Int } type Subscription { now: Int }',
  );

  /** Both endpoints with one budget, without a database. */
  async function openEndpoints(share: number, waitMaxMs = 100, limits: Partial<BudgetLimits> = {}) {
    const budget = new WorkBudget({
      ...BUDGET,
      burstMs: 0,
      waitMaxMs,
      share,
      busyShare: share,
      ...limits,
    });
    const common = {
      schema,
      documents: new Documents({ schema, introspection: false, budget }),
      callerOf: ({ headers }: IncomingMessage) => ({
        requestId: 'test',
        address: String(headers['x-forwarded-for']),
        isAdmin: false,
      }),
      introspection: false,
      log: silentLog,
      contextOf: (caller: object) => ({ caller }) as never,
    };
    const graphql = await openGraphqlHttp(common);
    const sockets = openGraphqlSocket({ ...common, isAllowedOrigin: () => true, socketsMax: 10 });
    const port = createServer((request, response) => graphql.handle(request, response));
    port.on('upgrade', (...upgrade) => sockets.upgrade(...upgrade));
    port.listen(0, '127.0.0.1');
    await once(port, 'listening');
    const address = `127.0.0.1:${(port.address() as AddressInfo).port}`;
    return {
      budget,
      url: `http://${address}`,
      socketUrl: `ws://${address}/graphql`,
      [Symbol.asyncDispose]: () => close({ graphql, sockets, port }),
    };
  }

  async function close(open: { graphql: GraphqlHttp; sockets: GraphqlSocket; port: Server }) {
    await open.sockets.stop();
    open.port.closeAllConnections();
    await new Promise((resolve) => open.port.close(resolve));
    await open.graphql.stop();
  }

  test.each([
    ['is shared by both endpoints', 0.000001, true],
    ['refuses neither without its bound', 1e9, false],
  ])('%s', async (_what, share, isRefused) => {
    await using endpoints = await openEndpoints(share);
    await using socket = await openSocket(endpoints.socketUrl);
    const first = await send(endpoints.url, '{ now }');

    const overHttp = await send(endpoints.url, '{ a: now }');
    const overSocket = socket.subscribe('subscription { now }');
    await until(
      'the answer over the socket',
      () => overSocket.ended || overSocket.errors.length > 0,
    );
    const again = await send(endpoints.url, '{ now }');

    expect([first.status, again.status]).toEqual([200, 200]);
    expect(overHttp.status).toBe(isRefused ? 503 : 200);
    expect(overHttp.headers.get('retry-after')).toBe(isRefused ? '1' : null);
    const codes = [overHttp.errors?.[0], overSocket.errors[0]].map(
      (error) => error?.extensions['code'] === 'OVERLOADED',
    );
    expect(codes).toEqual([isRefused, isRefused]);
  });

  test('a cached document is answered before new ones that arrived first', async () => {
    await using endpoints = await openEndpoints(0.000001, 2000);
    await send(endpoints.url, '{ now }');
    const order: string[] = [];

    const flood = Array.from({ length: 20 }, async (_, n) => {
      const { status } = await send(endpoints.url, `{ a${n}: now }`);
      order.push(`new ${status}`);
    });
    const { status } = await send(endpoints.url, '{ now }');
    order.push(`known ${status}`);
    await Promise.all(flood);

    expect(order).toEqual(['known 200', ...flood.map(() => 'new 503')]);
  });

  test('of too many new documents, one of the address with most is refused first', async () => {
    await using endpoints = await openEndpoints(0.000001, 500, { waitingMax: 2 });
    const ended: string[] = [];
    const sendFrom = async (from: string, query: string): Promise<void> => {
      await send(endpoints.url, query, {}, { 'x-forwarded-for': from });
      ended.push(from);
    };
    await sendFrom('warm-up', '{ now }');

    const app = sendFrom('app', '{ aLongNameOfAnApp: now }');
    await until('the document of the app', () => endpoints.budget.length === 1);
    await Promise.all([app, ...['{ a: now }', '{ b: now }'].map((one) => sendFrom('flood', one))]);

    expect(ended.slice(0, 2)).toEqual(['warm-up', 'flood']);
  });
});
