/** @jest-environment ./tests/support/selective-environment.mjs */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer, type BaseContext } from '@apollo/server';
import {
  defineIntegrationTestSuite,
  type CreateServerForIntegrationTests,
} from '@apollo/server-integration-testsuite';
import { apolloOnNode } from '../../src/server/graphql/http/http.ts';
import { silentLog } from '../../src/lib/log.ts';

/**
 * Apollo's own suite for integrations with other HTTP servers: against our endpoint, with the Apollo
 * Servers that the suite expects in place of ours.
 */

declare global {
  /** Of the test environment named above. */
  function leaveOut(titles: readonly string[]): ReadonlySet<string>;
}

/**
 * Requests of the suite that the server refuses on purpose: the reason, and the tests by their block.
 */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'Operations are sent by POST; GET is refused with 405 before Apollo sees it.': {
    'apolloServerTests.ts Persisted Queries': [
      'returns correct result for persisted query link using get request',
    ],
    // Each of them sends a GET as well. Bad-input tests show what a page of another site is refused.
    'apolloServerTests.ts CSRF prevention': [
      'default',
      'csrfPrevention: {requestHeaders}',
      'csrfPrevention: false',
    ],
    'httpServerTests.ts graphqlHTTP': [
      'rejects the request if the method is not POST or GET',
      'unknown operation name returns 400 and OPERATION_RESOLUTION_FAILURE for GET requests',
      'throws an error if GET query is missing',
      'throws an error if GET request has a non-application/json content-type',
      'throws an error if GET request has a non-preflighted non-application/json content-type',
      'throws an error if GET request has a malformed content-type',
      'allows GET requests with content-type application/json',
      'allows GET requests with content-type application/json with charset parameter',
      'can handle a basic GET request',
      'can handle a basic implicit GET request',
      'can handle a GET request with variables',
      'GET request with array body is not interpreted as batch',
      'throws error if trying to use mutation using GET request',
      'throws error if trying to use mutation with fragment using GET request',
      'does not accept multiple query search parameters',
      'returns PersistedQueryNotSupported to a GET request if PQs disabled',
      'returns PersistedQueryNotFound to a GET request',
    ],
    'httpServerTests.ts Persisted Queries': [
      'errors when version is not specified',
      'errors when version is unsupported',
      'errors when hash is mismatched',
      'returns correct result using get request',
    ],
    'httpSpecTests.ts': [
      'MAY accept application/x-www-form-urlencoded formatted GET requests',
      'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
      'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
    ],
  },
  'What a browser gets by GET is the explorer’s page, which is not of Apollo’s making.': {
    'apolloServerTests.ts renderLandingPage': [
      'defaults to LocalDefault',
      'can specify version for LocalDefault',
      'can be disabled',
      'basic functionality',
    ],
    'apolloServerTests.ts renderLandingPage async `html` function': ['returns a string', 'throws'],
  },
  'An answer comes whole: @defer and @stream need graphql 17, and the suite passes them over before.':
    {
      'httpServerTests.ts': ['incremental delivery'],
      'apolloServerTests.ts lifecycle for Apollo usage reporting traces': [
        'includes all fields with defer legacy',
        'includes all fields with defer modern',
      ],
    },
};

const titles = Object.values(LEFT_OUT).flatMap((blocks) =>
  Object.entries(blocks).flatMap(([block, tests]) =>
    tests.map((title) => `integration tests ${block} ${title}`),
  ),
);
const found = leaveOut(titles);

test('every omitted test exists in Apollo’s suite', () => {
  expect(titles.filter((title) => !found.has(title))).toEqual([]);
});

const openDoor: CreateServerForIntegrationTests = async (config, { context } = {}) => {
  const server = new ApolloServer<BaseContext>(config);
  await server.start();
  const port = createServer(
    apolloOnNode(server, {
      contextOf: async () => (await context?.()) ?? {},
      log: silentLog,
    }),
  );
  port.listen(0, '127.0.0.1');
  await once(port, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(port.address() as AddressInfo).port}/`,
    async extraCleanup() {
      port.closeAllConnections();
      await new Promise((resolve) => port.close(resolve));
    },
  };
};

defineIntegrationTestSuite(openDoor, { noIncrementalDelivery: true });
