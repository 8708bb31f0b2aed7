/**
 * The admin console in a real browser: sign-in, every act with its refusal, every view on a phone and with
 * axe, live figures, no request to other hosts. Run by `npm run test:browser`. SCREENSHOTS=<folder> keeps
 * pictures for docs/console.md.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  call,
  expectAccessible,
  expectLocal,
  expectNoSideScroll,
  startBrowser,
  startServer,
  watchPage,
} from './support.mjs';

const TOKEN = 'an admin token for the browser tests';
const NAME = '<b>Bold</b> & "quoted" 🎉 ';
const VIEWS = [
  'now',
  'products',
  'orders',
  'holds',
  'payments',
  'refunds',
  'webhooks',
  'checks?productId=1',
  'audit-log',
];

const server = await startServer({ ADMIN_TOKEN: TOKEN });
const browser = await startBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const seen = watchPage(page);
  await signsIn(page);
  await showsTheSale(page);
  await actsOnProducts(page);
  const paid = await buy(2);
  await actsOnPurchases(page, paid);
  await actsOnPayments(page);
  await actsOnWebhooks(page);
  await checks(page);
  await looksRight(page, paid);
  await survivesTheServer(page, seen);
  expectLocal(seen);
  await limitsGuesses();
} finally {
  await browser.close();
  await server.stop();
}

async function signsIn(page) {
  await page.goto(`${server.url}/console`);
  await expectAccessible(page, 'the sign-in');
  const complaints = watchPage(page);
  await page.getByLabel('Admin token').fill('a wrong token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not accept this admin token.').waitFor();
  await page.getByLabel('Admin token').fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Now' }).waitFor();
  assert.ok(!page.url().includes(encodeURIComponent(TOKEN)), 'the token is in the URL');
  assert.deepEqual(complaints.complaints, [], 'the sign-in has errors');
  await page.reload();
  await page.getByRole('heading', { name: 'Now' }).waitFor();
  assert.ok(await page.getByText('Read-only').isVisible(), 'a reload does not lock');
  console.log('A wrong token is refused plainly; the right one survives a reload, read-only.');
}

async function showsTheSale(page) {
  await page.getByText('Nothing needs you.').waitFor();
  await page.getByLabel('Product').selectOption('1');
  await figure(page, 'Available', '100');
  await hold(1, 3);
  await figure(page, 'Available', '97');
  await figure(page, 'Held', '3');
  assert.ok(await page.locator('.curve canvas').isVisible(), 'there is no curve');
  console.log('The figures of a sale are live.');
}

async function figure(page, name, value) {
  await page
    .locator('.figures div')
    .filter({ has: page.getByText(name, { exact: true }), hasText: value })
    .waitFor();
}

/** Opens an act's dialog, fills it in, confirms it, and expects this text. */
async function act(page, { button, fields = {}, checked = {}, expected }) {
  await button.click();
  const dialog = page.getByRole('dialog');
  for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label).fill(value);
  for (const [label, on] of Object.entries(checked))
    await dialog.getByLabel(label, { exact: true }).setChecked(on);
  await expectAccessible(page, `the dialog of ${expected}`);
  await dialog.locator('form button').first().click();
  await dialog
    .getByText(expected)
    .first()
    .waitFor()
    .catch(async () => assert.fail(`expected ${expected}, but: ${await dialog.innerText()}`));
  const close = dialog.getByRole('button', { name: /^(Close|Back)$/ });
  await close.click();
  await dialog.waitFor({ state: 'detached' });
}

function rowOf(page, text) {
  return page.locator('tbody tr').filter({ hasText: text }).first();
}

async function actsOnProducts(page) {
  await view(page, 'Products');
  const create = page.getByRole('button', { name: 'Create product' });
  assert.ok(await create.isDisabled(), 'a read-only console acts');
  await page.getByRole('button', { name: 'Unlock' }).click();
  const fields = {
    Name: NAME.padEnd(200, 'x'),
    Price: '12.50',
    Currency: 'EUR',
    'Units for sale': '5',
  };
  await act(page, { button: create, fields, expected: 'Product 4 exists.' });
  const row = rowOf(page, '12.50 EUR');
  assert.ok((await row.innerText()).includes('<b>Bold</b> & "quoted" 🎉'), 'a name is not text');
  const button = (name) => row.getByRole('button', { name });
  await act(page, {
    button: button('Edit'),
    fields: { Price: '12.505' },
    expected: /at most 2 decimals/,
  });
  await act(page, {
    button: button('Edit'),
    fields: { Name: 'Console product', 'Image URL': 'https://pictures.example/1.png' },
    expected: 'The product is changed.',
  });
  const named = rowOf(page, 'Console product').getByRole('button', { name: 'Restock' });
  await act(page, {
    button: named,
    fields: { Units: '-6', Reason: 'too few' },
    expected: 'STOCK_BELOW_COMMITTED',
  });
  await act(page, {
    button: named,
    fields: { Units: '7', Reason: 'a second box' },
    expected: '12 units are for sale now.',
  });
  await pausesAndCloses(page);
  console.log('Products are created, edited, restocked, paused, resumed and closed.');
}

async function pausesAndCloses(page) {
  const row = rowOf(page, 'Console product');
  await act(page, {
    button: row.getByRole('button', { name: 'Pause' }),
    expected: 'The sale is paused.',
  });
  await row.getByText('PAUSED', { exact: true }).waitFor();
  const { createHold } = await createsHold(4, 1);
  assert.equal(createHold.__typename, 'SaleNotOpen');
  await act(page, {
    button: row.getByRole('button', { name: 'Resume' }),
    expected: 'The sale is resumed.',
  });
  await act(page, {
    button: row.getByRole('button', { name: 'Close sale' }),
    expected: 'The sale is closed.',
  });
  await row.getByText('ENDED', { exact: true }).waitFor();
}

function createsHold(productId, quantity) {
  return call(
    server.url,
    'mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename ... on Hold { id token orderId } } }',
    { input: { productId: String(productId), quantity, customerId: 'buyer 7' } },
  );
}

async function hold(productId, quantity) {
  return (await createsHold(productId, quantity)).createHold;
}

/** Buys units of product 1, paid; returns the hold. */
async function buy(quantity) {
  const held = await hold(1, quantity);
  await call(server.url, 'mutation ($t: String!) { createOrder(holdToken: $t) { __typename } }', {
    t: held.token,
  });
  await pays(held.orderId, (29.99 * quantity).toFixed(2));
  return held;
}

async function pays(orderId, amount, paymentId = `pay-${randomUUID()}`) {
  const response = await fetch(`${server.url}/api/payments/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      idempotency_key: `event-${randomUUID()}`,
      payment_id: paymentId,
      order_id: orderId,
      status: 'success',
      amount,
      currency: 'USD',
    }),
  });
  assert.ok(response.ok, await response.text());
}

async function actsOnPurchases(page, { id, orderId }) {
  await view(page, 'Orders');
  await page.getByLabel('Customer').fill('buyer 7');
  await page.getByRole('button', { name: 'Search' }).click();
  // The whole list has this order too: the address shows that the search began.
  await page.waitForURL(/buyer/);
  await rowOf(page, orderId).getByText('PAID').waitFor();
  await page.getByLabel('Customer').fill('another buyer');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('There are none.').waitFor();
  await page.goBack();
  await rowOf(page, orderId).getByRole('link').click();
  await page.getByText('Event ORDER_PAID').waitFor();
  await act(page, {
    button: page.getByRole('button', { name: 'Cancel order' }),
    fields: { Reason: 'asked by mail' },
    checked: { 'Put its units back on sale': true },
    expected: 'The order is cancelled.',
  });
  await page.getByText('ORDER_CANCELLED', { exact: false }).first().waitFor();
  await view(page, 'Holds');
  await page.getByLabel('Order or hold id').fill(id);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByText(`Hold ${id}`).waitFor();
  console.log('Orders and holds are found; the story of one is shown, and it is cancelled.');
}

async function actsOnPayments(page) {
  await view(page, 'Now');
  await page.getByRole('link', { name: /1 open refunds/ }).click();
  await act(page, {
    button: rowOf(page, 'ORDER_CANCELLED').getByRole('button', { name: 'Resolve' }),
    fields: { 'How the money was returned': 'bank transfer 12' },
    expected: 'The refund is resolved.',
  });
  const { orderId } = await hold(1, 1);
  await pays(orderId, '29.99');
  await view(page, 'Payments');
  await act(page, {
    button: rowOf(page, orderId).getByRole('button', { name: 'Replay' }),
    expected: 'The event is PARKED now.',
  });
  console.log('Refunds are resolved; parked payments are replayed.');
}

async function actsOnWebhooks(page) {
  await view(page, 'Webhooks');
  const url = 'http://127.0.0.1:9/hook';
  await act(page, {
    button: page.getByRole('button', { name: 'Create endpoint' }),
    fields: { URL: 'ftp://127.0.0.1/' },
    expected: /url/i,
  });
  await act(page, {
    button: page.getByRole('button', { name: 'Create endpoint' }),
    fields: { URL: url },
    expected: /whsec_/,
  });
  const row = rowOf(page, url);
  const button = (name) => row.getByRole('button', { name });
  await act(page, {
    button: button('Edit'),
    checked: { ORDER_EXPIRED: false },
    expected: 'The endpoint is changed.',
  });
  await act(page, { button: button('Rotate secret'), expected: /whsec_/ });
  await act(page, { button: button('Disable'), expected: 'The endpoint is changed.' });
  await act(page, { button: button('Enable'), expected: 'The endpoint is changed.' });
  await buy(1);
  const delivery = page
    .locator('tbody tr')
    .filter({ hasText: 'ORDER_PAID', has: page.getByText('PENDING', { exact: true }) });
  await page.getByRole('button', { name: 'Refresh' }).click();
  while ((await delivery.count()) === 0)
    await page.getByRole('button', { name: 'Refresh' }).click();
  await act(page, {
    button: delivery.first().getByRole('button', { name: 'Redeliver' }),
    expected: 'The event is sent again.',
  });
  await act(page, { button: button('Delete'), expected: 'The endpoint is deleted.' });
  console.log('Endpoints are created, edited, disabled and deleted; events are sent again.');
}

async function checks(page) {
  await view(page, 'Checks');
  await act(page, {
    button: page.getByRole('button', { name: 'Reconcile' }),
    expected: 'Everything adds up.',
  });
  await act(page, {
    button: page.getByRole('button', { name: 'Repair counters' }),
    expected: 'Everything adds up.',
  });
  await page.getByLabel('Audit the product with the id').fill('1');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('Balanced', { exact: true }).waitFor();
  await view(page, 'Audit log');
  for (const action of ['reconcile', 'deleteWebhookEndpoint', 'redeliverEvent'])
    await rowOf(page, action).waitFor();
  await page.getByLabel('Outcome').fill('DENIED');
  await page.getByRole('button', { name: 'Search' }).click();
  await rowOf(page, 'unauthorized').waitFor();
  console.log('Checks run; every act is in the audit log, and so is the wrong token.');
}

/** Every view: accessible, light and dark, without a sideways scroll on a phone. */
async function looksRight(page, { id }) {
  for (const name of [...VIEWS, `purchase?id=${id}`]) {
    await page.goto(`${server.url}/console#/${name}`);
    await page.locator('main table, main .story, main .figures').first().waitFor();
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page, `${name} in ${colorScheme}`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await picture(page, name);
    await page.setViewportSize({ width: 360, height: 740 });
    await expectNoSideScroll(page, name);
    await expectAccessible(page, `${name} on a phone`);
    if (name === 'now') await picture(page, 'now-phone');
    await page.setViewportSize({ width: 1280, height: 900 });
  }
  console.log('Every view is accessible, in light and dark, and fits a phone.');
}

async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  const path = join(folder, `console-${name.split('?')[0]}.png`);
  await page.screenshot({ path });
}

/** A server that is away is said, and the figures continue when it is back. */
async function survivesTheServer(page, seen) {
  assert.deepEqual(
    seen.complaints.filter((one) => !/WebSocket|Failed to fetch|ERR_/.test(one)),
    [],
    'the console has errors',
  );
  const before = seen.complaints.length;
  await view(page, 'Now');
  await page.context().setOffline(true);
  await page.getByText('The server does not answer.').waitFor();
  await page.context().setOffline(false);
  await page.getByText('The server does not answer.').waitFor({ state: 'detached' });
  assert.equal(before, 0, `the console has errors: ${seen.complaints.slice(0, before).join()}`);
  console.log('A lost connection is shown, and the console continues after it.');
}

/** More wrong tokens than a person types are refused with the time to wait. */
async function limitsGuesses() {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${server.url}/console`);
  const query = '{ refunds(first: 1) { totalCount } }';
  for (let guess = 0; guess < 60; guess += 1)
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer guess ${guess}` },
      body: JSON.stringify({ query }),
    });
  await page.getByLabel('Admin token').fill('one more guess');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(/Too many requests without the admin token.*\d+ s/).waitFor();
  console.log('Guesses are limited, and the form says so.');
}

async function view(page, title) {
  await page.getByRole('navigation').getByRole('link', { name: title, exact: true }).click();
  await page.getByRole('heading', { name: title, exact: true }).waitFor();
}
