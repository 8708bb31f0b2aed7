// JavaScript, because jest imports this file directly.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startTestPostgres } from './test-postgres.ts';

/** Builds outdated pages and starts the Postgres of the tests; `npm run test:unit` needs neither. */
export default async function setUp() {
  if (process.env['TEST_DATABASE'] === 'none') return;
  execFileSync(process.execPath, [join(import.meta.dirname, '../../web/build.mjs')]);
  await startTestPostgres();
}
