/**
 * The explorer in a real browser: it opens with no internet, runs a query, and shows live stock
 * change. Run by `npm run test:browser`; needs a Chromium (CHROMIUM, or Debian's /usr/bin/chromium).
 * SCREENSHOT=<file.png> keeps a picture of the end.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname, '../..');
const WAIT_MS = 30_000;

const dataDir = mkdtempSync(join(tmpdir(), 'flash-sale-browser-'));
// As root the database runs as another user, who must be able to enter the folder.
chmodSync(dataDir, 0o755);
const server = spawn(process.execPath, [join(ROOT, 'dist/src/main.js')], {
  cwd: dataDir,
  env: {
    PATH: process.env.PATH,
    PORT: '0',
    DATA_DIR: join(dataDir, 'data'),
    // The page's own origin is allowed all the same.
    ALLOWED_ORIGINS: 'https://elsewhere.example',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(server, 'exit');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-quic',
    '--no-first-run',
    // Every other host name is outside this machine, and is not found.
    '--host-resolver-rules=MAP shop.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});

try {
  const url = await readyUrl();
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const [requested, complaints] = [[], []];
  const watch = (watched) => {
    watched.setDefaultTimeout(WAIT_MS);
    watched.on('request', (request) => requested.push(request.url()));
    watched.on('websocket', (socket) => requested.push(socket.url()));
    watched.on('pageerror', (error) => complaints.push(error.message));
    watched.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    watched.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  };
  watch(page);

  // Until the schema is loaded: before that, the editor may drop what is pasted or run.
  await page.goto(`${url}/graphql`, { waitUntil: 'networkidle' });
  const tabs = await page.locator('.graphiql-tab').allInnerTexts();
  assert.deepEqual(
    tabs.map((title) => title.trim()),
    ['Look', 'Hold', 'Order', 'Live', 'Admin'],
  );
  await execute(page);
  await expectResponse(page, '"Midnight Sneaker"');
  console.log('The explorer opens with five tabs, and runs the first.');
  await write(page, '{ product(id: "1") { name availableStock } }');
  await execute(page);
  await expectResponse(page, '"Flash Sale Widget"');
  await expectResponse(page, '"availableStock": 100');
  console.log('The explorer runs a query.');

  await write(page, 'subscription { stockChanged(productIds: ["1"]) { availableStock } }');
  await execute(page);
  await expectResponse(page, '"stockChanged"');
  await expectResponse(page, '"availableStock": 100');
  await holdUnits(url, 3);
  await expectResponse(page, '"availableStock": 97');
  await holdUnits(url, 2);
  await expectResponse(page, '"availableStock": 95');
  console.log('The explorer shows live stock change.');

  // This host is neither loopback nor in ALLOWED_ORIGINS; a new context has no stored tabs.
  const elsewhere = url.replace('127.0.0.1', 'shop.example');
  const other = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  watch(other);
  await other.goto(`${elsewhere}/graphql/`, { waitUntil: 'networkidle' });
  await other.getByRole('tab', { name: 'Live' }).click();
  await execute(other);
  await expectResponse(other, '"availableStock": 95');
  await holdUnits(url, 5);
  await expectResponse(other, '"availableStock": 90');
  console.log('At another host name the tab Live shows live stock change.');

  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  const foreign = requested.filter(
    (one) =>
      !/^(data|blob):/.test(one) && !['127.0.0.1', 'shop.example'].includes(new URL(one).hostname),
  );
  assert.deepEqual(foreign, [], 'a request left this machine');
  assert.ok(
    requested.some((one) => one.startsWith('ws://')),
    'no websocket was opened',
  );
  assert.deepEqual(complaints, [], 'the page has errors');
  console.log(`No request left this machine (${requested.length} were made).`);
} finally {
  await browser.close();
  server.kill('SIGTERM');
  const [code] = await exited;
  rmSync(dataDir, { recursive: true, force: true });
  assert.equal(code, 0, 'the server did not stop cleanly');
}

/** The server's URL, from its log line that it is ready. */
function readyUrl() {
  return new Promise((resolve, reject) => {
    let out = '';
    server.stdout.on('data', (chunk) => {
      out += chunk;
      const ready = /"msg":"Ready\. GraphQL (http:\S+)\/graphql/.exec(out);
      if (ready) resolve(ready[1]);
    });
    void exited.then(() => reject(new Error(`The server ended before it was ready: ${out}`)));
  });
}

/** Replaces the document in the editor. */
async function write(page, document) {
  const editor = page.locator('.graphiql-query-editor').first();
  const squeezed = (text) => text.replace(/\s/g, '');
  await paste(page, document);
  const before = Date.now();
  while (!squeezed(await editor.innerText()).includes(squeezed(document))) {
    assert.ok(Date.now() - before < WAIT_MS, 'the editor does not show the document');
  }
}

async function paste(page, document) {
  await page
    .locator('.graphiql-query-editor .view-lines, .graphiql-query-editor .CodeMirror')
    .first()
    .click();
  await page.keyboard.press('Control+A');
  // The document is pasted, because the editor adds a closing bracket to each typed one.
  await page.evaluate((text) => navigator.clipboard.writeText(text), document);
  await page.keyboard.press('Control+V');
}

async function execute(page) {
  await page.locator('.graphiql-execute-button').click();
}

/** Waits until the response contains this text. */
async function expectResponse(page, text) {
  await page.waitForFunction(
    (expected) =>
      // Monaco shows spaces as no-break spaces.
      document
        .querySelector('.graphiql-response')
        ?.textContent.replaceAll('\u00a0', ' ')
        .includes(expected),
    text,
  );
}

/** Holds units as another buyer. */
async function holdUnits(url, quantity) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: `mutation { createHold(input: { productId: "1", quantity: ${quantity} }) { __typename } }`,
    }),
  });
  const { data } = await response.json();
  assert.equal(data.createHold.__typename, 'Hold');
}
