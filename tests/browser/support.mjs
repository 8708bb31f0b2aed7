/** What the browser tests share: a server of their own, a Chromium without a network, and its complaints. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

/** The root folder of the project. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** Longest wait for what a page must show. */
export const WAIT_MS = 10_000;

/** Starts the built server with an embedded database. `stop` expects exit code 0. */
export async function startServer(settings = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'flash-sale-browser-'));
  // As root the database runs as another user, who must be able to enter the folder.
  chmodSync(dataDir, 0o755);
  const child = spawn(process.execPath, [join(ROOT, 'dist/src/main.js')], {
    cwd: dataDir,
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: join(dataDir, 'data'), ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const url = await readyUrl(child, exited);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      rmSync(dataDir, { recursive: true, force: true });
      assert.equal(code, 0, 'the server did not stop cleanly');
    },
  };
}

/** The server's URL, from its log line that it is ready. */
function readyUrl(child, exited) {
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const ready = /"msg":"Ready\. GraphQL (http:\S+)\/graphql/.exec(out);
      if (ready) resolve(ready[1]);
    });
    void exited.then(() => reject(new Error(`The server ended before it was ready: ${out}`)));
  });
}

/** Starts a Chromium for which every other host name is outside this machine, and is not found. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}

/** Records what a page requests, and each of its errors. */
export function watchPage(page) {
  const seen = { requested: [], complaints: [] };
  page.setDefaultTimeout(WAIT_MS);
  page.on('request', (request) => seen.requested.push(request.url()));
  page.on('websocket', (socket) => seen.requested.push(socket.url()));
  page.on('pageerror', (error) => seen.complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') seen.complaints.push(message.text());
  });
  return seen;
}

/** Fails if a request left this machine. */
export function expectLocal({ requested }) {
  const foreign = requested.filter(
    (one) => !/^(data|blob):/.test(one) && new URL(one).hostname !== '127.0.0.1',
  );
  assert.deepEqual(foreign, [], 'a request left this machine');
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Fails for each accessibility violation of what the page shows. */
export async function expectAccessible(page, what) {
  // By the debugger's protocol, which the page's Content-Security-Policy does not concern.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((one) => one.html).join()}`);
  assert.deepEqual(found, [], `${what} has accessibility violations`);
}

/** Fails if the page is wider than the screen. */
export async function expectNoSideScroll(page, what) {
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(over, 0, `${what} scrolls sideways`);
}

/** Sends a GraphQL operation as another client; returns its data. */
export async function call(url, query, variables = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}
