// Plain JavaScript, because jest imports this file itself: Node strips the types of what it imports.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startTestPostgres } from './test-postgres.ts';

/** Builds the pages, where they are not up to date, and starts the tests' Postgres; `npm run test:unit` needs neither. */
export default async function setUp() {
  if (process.env['TEST_DATABASE'] === 'none') return;
  execFileSync(process.execPath, [join(import.meta.dirname, '../../web/build.mjs')]);
  await startTestPostgres();
}
