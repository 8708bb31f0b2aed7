import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  GraphQLBoolean,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  type OperationDefinitionNode,
} from 'graphql';
import { openGraphqlHttp, type GraphqlHttp } from '../../src/server/graphql/http/http.ts';
import { silentLog } from '../../src/lib/log.ts';
import { ask } from '../support/graphql-client.ts';

/**
 * Parsing and checking a document costs several times its execution, so the server caches documents. A
 * document that was kept runs as the very same parsed operation.
 */

let graphql: GraphqlHttp;
let port: Server;
let url: string;
let ran: OperationDefinitionNode;

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      ran: {
        type: GraphQLBoolean,
        args: { by: { type: GraphQLString } },
        resolve(_source, _args, _context, { operation }) {
          ran = operation;
          return true;
        },
      },
    },
  }),
});

beforeAll(async () => {
  graphql = await openGraphqlHttp({
    schema,
    callerOf: () => ({ requestId: 'test', address: '', isAdmin: false }),
    contextOf: (caller) => ({ caller }) as never,
    introspection: false,
    log: silentLog,
  });
  port = createServer((request, response) => graphql.handle(request, response));
  port.listen(0, '127.0.0.1');
  await once(port, 'listening');
  url = `http://127.0.0.1:${(port.address() as AddressInfo).port}`;
});

afterAll(async () => {
  port.closeAllConnections();
  await new Promise((resolve) => port.close(resolve));
  await graphql.stop();
});

/** The parsed operation that the server executes for a document. */
async function operationOf(query: string, variables = {}): Promise<OperationDefinitionNode> {
  await ask(url, query, variables);
  return ran;
}

const HOT = 'query Hot($by: String) { ran(by: $by) }';

/** A document of 20 KB with its value in it. */
const inlined = (buyer: number) => `{ ran(by: "buyer ${buyer} ${'x'.repeat(20_000)}") }`;

test('a document whose values are variables is parsed once for all callers', async () => {
  const first = await operationOf(HOT, { by: 'Ben' });
  const again = await operationOf(HOT, { by: 'Cleo' });

  expect(again).toBe(first);
});

test('500 documents with inline values evict each other, and none in use', async () => {
  const hot = await operationOf(HOT);
  const kept = await operationOf(inlined(0));
  const keptAgain = await operationOf(inlined(0));

  const hotMeanwhile: OperationDefinitionNode[] = [];
  for (let buyer = 1; buyer <= 500; buyer += 1) {
    await ask(url, inlined(buyer));
    if (buyer % 100 === 0) hotMeanwhile.push(await operationOf(HOT));
  }
  const newest = await operationOf(inlined(500));

  expect(keptAgain).toBe(kept);
  expect(hotMeanwhile.every((operation) => operation === hot)).toBe(true);
  // The least recently used document is evicted: the cache has a bound.
  expect(await operationOf(inlined(0))).not.toBe(kept);
  expect(await operationOf(inlined(500))).toBe(newest);
});
