import { createHash } from 'node:crypto';
import { decimalText } from '../../../lib/money.ts';
import type { FoundSession } from '../../../shop/payments/find-session.ts';
import { pageHeaders, pagePolicy } from '../../http/pages/built-page.ts';
import type { DemoAction } from './demo-events.ts';

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 32rem; margin: 3rem auto; padding: 0 1rem; }
  .amount { font-size: 2rem; font-weight: 600; margin: 0; }
  form { display: grid; gap: 0.75rem; }
  button { font: inherit; padding: 0.75rem 1rem; min-height: 2.75rem; text-align: start; cursor: pointer; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/**
 * The headers of a page: no script, and nothing from outside. The form may be sent to this server only.
 * Browsers apply form-action to the redirect after it as well, so the origin of the return page is in it.
 */
export function demoHeaders(returnUrl: string | null): Readonly<Record<string, string>> {
  const target = returnUrl === null ? '' : ` ${new URL(returnUrl).origin}`;
  const policy = pagePolicy({
    'style-src': `'sha256-${STYLE_HASH}'`,
    'script-src': "'none'",
    'connect-src': "'none'",
    'form-action': `'self'${target}`,
  });
  return {
    ...pageHeaders(policy),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
}

/** The buttons in their order: what each does, in one sentence. */
const BUTTONS: readonly (readonly [action: DemoAction, text: string])[] = [
  ['pay', 'Pay'],
  ['decline', 'Decline: the attempt fails, and the buyer may try again'],
  ['twice', 'Pay twice: two payments, of which one must be refunded'],
  ['late', 'Pay late: the payment arrives after the order has ended'],
  ['wrong', 'Pay the wrong amount: one smallest unit too much'],
];

/** The page of a payment that can be made. */
export function paymentPage(session: FoundSession): string {
  const buttons = BUTTONS.map(
    ([action, text]) =>
      `      <button name="action" value="${action}">${escapeHtml(text)}</button>`,
  );
  return page(
    'Demo payment',
    `    ${amountOf(session)}
    <p>${escapeHtml(session.description)}</p>
    <p>Payment deadline: <time datetime="${session.expiresAt.toISOString()}">${session.expiresAt.toUTCString()}</time></p>
    <form method="post">
${buttons.join('\n')}
    </form>
    <p>No money moves. This provider exists on development servers only.</p>`,
  );
}

/** A page with one message, and a link to the return page. */
export function messagePage(
  title: string,
  messages: readonly string[],
  returnUrl: string | null = null,
): string {
  const lines = messages.map((message) => `    <p>${escapeHtml(message)}</p>`);
  const link =
    returnUrl === null
      ? []
      : [`    <p><a href="${escapeHtml(returnUrl)}">Back to the shop</a></p>`];
  return page(title, [...lines, ...link].join('\n'));
}

function amountOf({ amount }: FoundSession): string {
  return `<p class="amount">${decimalText(amount)} ${amount.currency}</p>`;
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="icon" href="data:," />
    <style>${STYLE}</style>
  </head>
  <body>
  <main>
    <h1>${title}</h1>
${content}
  </main>
  </body>
</html>
`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML, also inside an attribute in quotes. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character]!);
}
