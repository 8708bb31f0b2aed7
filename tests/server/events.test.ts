import { AS_ADMIN, ask, CREATE_HOLD, CREATE_ORDER, send } from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';

/*
 * The feed of events over GraphQL.
 */

let server: TestServer;
let productId: string;

beforeAll(async () => {
  server = await startTestServer();
  productId = String(await makeProduct(server.shop, { totalStock: 5 }));
  for (let buyer = 0; buyer < 5; buyer += 1) {
    const { token, orderId } = await ask(server.url, CREATE_HOLD, { input: { productId } });
    await ask(server.url, CREATE_ORDER, { token });
    await deliver(server.url, success(orderId));
  }
});

afterAll(() => server.stop());

const FIELDS = `nodes { id type at productId orderId payload }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount`;

const events = (given = '') => ask(server.url, `{ events${given} { ${FIELDS} } }`, {}, AS_ADMIN);

test('the feed has each event in the order of commits, with the body for endpoints', async () => {
  const { nodes, totalCount, pageInfo } = await events();

  expect(totalCount).toBe(6);
  expect(pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  const types = nodes.map(({ type }: { type: string }) => type);
  expect(types.filter((type: string) => type === 'ORDER_PAID')).toHaveLength(5);
  expect(types).toContain('PRODUCT_SOLD_OUT');
  expect(nodes[0]).toMatchObject({ type: 'ORDER_PAID', productId });
  expect(JSON.parse(nodes[0].payload)).toMatchObject({
    type: 'order.paid',
    timestamp: nodes[0].at,
    data: { order: { id: nodes[0].orderId, status: 'PAID' } },
  });
});

test('pages of two, read after the last cursor, are the whole feed', async () => {
  const whole = await events();
  const paged: string[] = [];
  let after = '';
  for (;;) {
    const { nodes, pageInfo } = await events(`(first: 2${after})`);
    paged.push(...nodes.map(({ id }: { id: string }) => id));
    after = `, after: "${pageInfo.endCursor}"`;
    if (!pageInfo.hasNextPage) break;
  }
  const beyond = await events(`(first: 2${after})`);

  expect(paged).toEqual(whole.nodes.map(({ id }: { id: string }) => id));
  expect(beyond).toMatchObject({ nodes: [], totalCount: 6, pageInfo: { endCursor: null } });
});

test('the feed is filtered by type', async () => {
  const { nodes, totalCount } = await events('(type: PRODUCT_SOLD_OUT)');

  expect(totalCount).toBe(1);
  expect(nodes).toMatchObject([{ type: 'PRODUCT_SOLD_OUT', productId, orderId: null }]);
});

test.each(['first: 0', 'first: 101', 'after: "x"', 'after: ""', 'type: ORDER_LOST'])(
  'a feed with %s is refused',
  async (given) => {
    const { errors } = await send(server.url, `{ events(${given}) { totalCount } }`, {}, AS_ADMIN);

    expect(errors![0]!.extensions.code).toMatch(/^(BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED)$/);
  },
);

test('a running server numbers events without a reader', async () => {
  const other = String(await makeProduct(server.shop, { totalStock: 1 }));
  await ask(server.url, CREATE_HOLD, { input: { productId: other } });

  await until('the number of the event', async () => {
    const [row] = await server.database.rows<{ position: string | null }>(
      'select position from shop_events where product_id = $1',
      [Number(other)],
    );
    return row?.position;
  });
});
