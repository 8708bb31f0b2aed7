/**
 * The storefront in a real browser: from the list to a paid order, what ends otherwise, live stock in a second
 * browser, the opening of a sale with a wrong clock. Run by `npm run test:browser`. SCREENSHOTS=<folder>
 * keeps pictures for the README and docs/frontend.md.
 */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  call,
  expectAccessible,
  expectLocal,
  expectNoSideScroll,
  ROOT,
  startBrowser,
  startServer,
  watchPage,
} from './support.mjs';

const TOKEN = 'an admin token for the browser tests';

/** Most bytes of the page with Brotli: script, style and HTML. */
const BYTES_MAX = 150 * 1024;

const server = await startServer({ ADMIN_TOKEN: TOKEN, HOLD_TTL_SECONDS: '15' });
const browser = await startBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const seen = watchPage(page);
  isSmall();
  await showsTheList(page);
  await sellsToAVisitor(page);
  await saysWhatWentWrong(page);
  await expiresOnTheScreen(page);
  await limitsACustomer(page);
  await showsSoldOutToOthers();
  await opensWithAWrongClock();
  await fitsAPhone();
  expectLocal(seen);
  assert.deepEqual(seen.complaints, [], 'the browser complained');
} finally {
  await browser.close();
  await server.stop();
}

function isSmall() {
  const folder = join(ROOT, 'dist/web/storefront');
  const bytes = readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.br'))
    .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  assert.ok(bytes <= BYTES_MAX, `the storefront has ${bytes} bytes`);
  console.log(`The storefront has ${Math.round(bytes / 1024)} KiB.`);
}

async function showsTheList(page) {
  await page.goto(`${server.url}/`);
  await page.getByText('100 of 100 available').waitFor();
  await page.getByText('The sale opens in 23:59:').waitFor();
  await expectAccessible(page, 'the list');
  await shot(page, 'storefront-list');
  console.log('The list shows prices, stock and the next opening.');
}

async function sellsToAVisitor(page) {
  await page.getByRole('link', { name: 'Flash Sale Widget' }).click();
  await hold(page, '2');
  await page.getByText('2 held for you, 59.98 USD in all.').waitFor();
  await page.getByText('98 of 100 available').waitFor();
  await expectAccessible(page, 'a hold');
  await shot(page, 'storefront-hold');
  // A reload in the middle loses nothing.
  await page.reload();
  await page.getByText('2 held for you').waitFor();
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.getByText('Your order awaits its payment.').waitFor();
  await expectAccessible(page, 'an order');
  await payWith(page, 'Decline');
  await page.getByText('Your order awaits its payment.').waitFor();
  await payWith(page, 'Pay');
  await page.getByText('Paid. Thank you!').waitFor();
  await expectAccessible(page, 'a paid order');
  await shot(page, 'storefront-paid');
  console.log('A visitor buys by clicks, after a declined attempt.');
}

async function saysWhatWentWrong(page) {
  await page.getByRole('button', { name: 'Buy again' }).click();
  await pause('1', true);
  await page.getByText('The sale is paused for the moment').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Hold' }).isDisabled());
  await pause('1', false);
  await page.getByText('The sale is open').waitFor();
  await hold(page, '1');
  await page.getByRole('button', { name: 'Release' }).click();
  await page.getByText('You released the units.').waitFor();
  await page.getByRole('button', { name: 'Start again' }).click();
  await hold(page, '1');
  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await payWith(page, 'Pay the wrong amount');
  await page.getByText('The payment had another amount. It is returned.').waitFor();
  await page.getByRole('button', { name: 'Cancel the order' }).click();
  await page.getByText('The order is cancelled.').waitFor();
  await page.getByRole('button', { name: 'Buy again' }).click();
  console.log('A pause, a release, a wrong amount and a cancellation show at once.');
}

async function expiresOnTheScreen(page) {
  await hold(page, '1');
  await page.getByText('1 held for you').waitFor();
  await page.getByText('Your hold has expired.').waitFor({ timeout: 20_000 });
  await page.getByRole('button', { name: 'Start again' }).click();
  console.log('A hold expires on the screen.');
}

async function limitsACustomer(page) {
  await page.goto(`${server.url}/#/product/2`);
  await hold(page, '2');
  await page.getByText('2 held for you').waitFor();
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await hold(page, '1');
  await page.getByText('1 requested, 0 of 2 remaining for this customer.').waitFor();
  await expectAccessible(page, 'a refusal');
  console.log('The limit of a customer is explained.');
}

/** Sold out and back in stock, as another visitor sees it. */
async function showsSoldOutToOthers() {
  const { id } = await create({ name: 'Last one', totalStock: 1, saleStartsAt: later(-5000) });
  const other = await (await browser.newContext()).newPage();
  const seen = watchPage(other);
  await other.goto(`${server.url}/#/product/${id}`);
  await other.getByText('1 of 1 available').waitFor();
  const { createHold } = await call(
    server.url,
    'mutation ($id: ID!) { createHold(input: { productId: $id }) { ... on Hold { token } } }',
    { id },
  );
  await other.getByText(/^Sold out in \d+ s; some units may become available again$/).waitFor();
  assert.ok(await other.getByRole('button', { name: 'Hold' }).isDisabled());
  await call(
    server.url,
    'mutation ($token: String!) { releaseHold(token: $token) { __typename } }',
    createHold,
  );
  await other.getByText('1 of 1 available').waitFor();
  assert.deepEqual(seen.complaints, []);
  await other.context().close();
  console.log('Another visitor sees it sold out, and back in stock.');
}

/** The browser's clock is ten minutes fast; the sale opens by the server's. */
async function opensWithAWrongClock() {
  const { id } = await create({ name: 'At the bell', totalStock: 1, saleStartsAt: later(4000) });
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 600_000;
  });
  await page.goto(`${server.url}/#/product/${id}`);
  await page.getByText(/^The sale opens in 0:0\d$/).waitFor();
  assert.ok(await page.getByRole('button', { name: 'Hold' }).isDisabled());
  await page.getByText('The sale is open').waitFor();
  await hold(page, '1');
  await page.getByText('1 held for you').waitFor();
  await page.context().close();
  console.log('The sale opens by the server’s clock.');
}

async function fitsAPhone() {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({
      viewport: { width: 360, height: 740 },
      colorScheme,
    });
    const page = await context.newPage();
    for (const [path, text] of [
      ['', 'Flash Sale Widget'],
      ['#/product/1', 'The sale is open'],
      ['#/product/999', 'Not found'],
    ]) {
      await page.goto(`${server.url}/${path}`);
      await page.getByText(text).first().waitFor();
      await expectNoSideScroll(page, `/${path}`);
      await expectAccessible(page, `/${path} in ${colorScheme}`);
    }
    await context.close();
  }
  console.log('Every view fits a phone, in light and dark.');
}

async function hold(page, quantity) {
  await page.getByLabel('Quantity').selectOption(quantity);
  await page.getByRole('button', { name: 'Hold' }).click();
}

async function payWith(page, button) {
  await page.getByRole('button', { name: 'Pay', exact: true }).click();
  await page.getByRole('heading', { name: 'Demo payment' }).waitFor();
  await page.getByRole('button', { name: button, exact: button === 'Pay' }).click();
}

function later(ms) {
  return new Date(Date.now() + ms).toISOString();
}

async function create(fields) {
  const data = await admin(
    'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }',
    { input: { price: '1.00', currency: 'EUR', ...fields } },
  );
  return data.createProduct;
}

function pause(id, paused) {
  return admin(
    'mutation ($id: ID!, $paused: Boolean!) { setSalePaused(productId: $id, paused: $paused) { __typename } }',
    { id, paused },
  );
}

async function admin(query, variables) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** Keeps a picture where one is wanted. */
async function shot(page, name) {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
