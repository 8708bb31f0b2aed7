import { auditServer, type AuditFail } from 'graphql-http';
import { startTestServer } from '../support/server.ts';

/**
 * The GraphQL over HTTP specification, as the audit of graphql-http has it, against a whole server.
 * Introspection is on, because the audit uses it.
 */

/** Where we do otherwise than the specification advises or allows, and why. */
const OTHERWISE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Past a limit and for a document that cannot be run it is HTTP 400, for any Accept header: one rule for every client.':
    {
      '572B':
        'SHOULD use 200 status code on document parsing failure when accepting application/json',
      FDE2: 'SHOULD use 200 status code on document validation failure when accepting application/json',
      '7B9B':
        'SHOULD use a status code of 200 on variable coercion failure when accepting application/json',
    },
  'There are no operations by GET.': {
    '5A70': 'MAY accept application/x-www-form-urlencoded formatted GET requests',
    D6D5: 'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
    '6A70':
      'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
  },
};

test('GraphQL over HTTP: every MUST is met, and every unmet SHOULD has its reason', async () => {
  await using server = await startTestServer();

  const results = await auditServer({ url: `${server.url}/graphql` });

  const failed = results.filter((result): result is AuditFail => result.status !== 'ok');
  const idAndName = ({ id, name }: AuditFail): readonly [string, string] => [id, name];
  expect(results.length).toBeGreaterThan(50);
  expect(failed.filter(({ status }) => status === 'error').map(idAndName)).toEqual([]);
  expect(Object.fromEntries(failed.map(idAndName))).toEqual(
    Object.assign({}, ...Object.values(OTHERWISE)),
  );
});
