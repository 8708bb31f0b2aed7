import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED, generateOperations } from '../../docs/examples/codegen.ts';
import type { ErrorCode } from '../../docs/examples/generated/operations.ts';
import { offerAfter, type Refusal } from '../../docs/examples/refusals.ts';
import { OPERATION_FILES } from '../support/operation-files.ts';
import { filesLike, namesIn, ROOT, tableOf, textOf } from '../support/project.ts';

const DOC = 'docs/frontend.md';

/** A code block that follows the link to its file. */
const BLOCK = /^\[`(examples\/[^`]+)`\]\(\1\)\n\n```(\w+)\n([^]*?)\n```$/gm;

test.each(OPERATION_FILES)(
  'the types in %s match the schema (to update them: npm run codegen)',
  async (generated, operations) => {
    expect(textOf(generated)).toBe(await generateOperations(generated, operations));
  },
);

test('docs/frontend.md quotes each example file (to update it: UPDATE_DOCS=true)', () => {
  const committed = textOf(DOC);
  const updated = committed.replaceAll(
    BLOCK,
    (_block, file: string, language: string) =>
      `[\`${file}\`](${file})\n\n\`\`\`${language}\n${textOf(`docs/${file}`).trimEnd()}\n\`\`\``,
  );
  if (process.env['UPDATE_DOCS'] === 'true') writeFileSync(join(ROOT, DOC), updated);

  const shown = [...updated.matchAll(BLOCK)].map(([, file]) => `docs/${file}`);
  const examples = filesLike('docs/examples/**/*.{ts,graphql}').filter(
    (file) => file !== GENERATED,
  );

  expect(shown.toSorted()).toEqual(examples.toSorted());
  expect(textOf(DOC)).toBe(updated);
});

test('the README links to docs/frontend.md', () => {
  expect(textOf('README.md')).toContain(`](${DOC})`);
});

const message = { message: 'One sentence.' };

/** Every refusal in each of its variants; none for those that no example receives. */
const REFUSALS: Readonly<Record<ErrorCode, readonly Refusal[]>> = {
  PRODUCT_NOT_FOUND: [{ ...message, __typename: 'ProductNotFound', code: 'PRODUCT_NOT_FOUND' }],
  INSUFFICIENT_STOCK: [
    insufficient({ availableStock: 2, stockStatus: 'AVAILABLE' }),
    insufficient({ availableStock: 0, stockStatus: 'ALL_HELD' }),
    insufficient({ availableStock: 0, stockStatus: 'SOLD_OUT' }),
  ],
  SALE_NOT_OPEN: [60_000, null].map((opensInMs) => ({
    ...message,
    __typename: 'SaleNotOpen',
    code: 'SALE_NOT_OPEN',
    opensInMs,
  })),
  PURCHASE_LIMIT_EXCEEDED: [1, 0].map((remaining) => ({
    ...message,
    __typename: 'PurchaseLimitExceeded',
    code: 'PURCHASE_LIMIT_EXCEEDED',
    remaining,
  })),
  IDEMPOTENCY_KEY_REUSED: [
    { ...message, __typename: 'IdempotencyKeyReused', code: 'IDEMPOTENCY_KEY_REUSED' },
  ],
  HOLD_NOT_FOUND: [{ ...message, __typename: 'HoldNotFound', code: 'HOLD_NOT_FOUND' }],
  HOLD_EXPIRED: [{ ...message, __typename: 'HoldNotActive', code: 'HOLD_EXPIRED' }],
  HOLD_RELEASED: [{ ...message, __typename: 'HoldNotActive', code: 'HOLD_RELEASED' }],
  HOLD_CONVERTED: [{ ...message, __typename: 'HoldNotActive', code: 'HOLD_CONVERTED' }],
  ORDER_NOT_FOUND: [{ ...message, __typename: 'OrderNotFound', code: 'ORDER_NOT_FOUND' }],
  ORDER_FINAL: [
    {
      ...message,
      __typename: 'OrderFinal',
      code: 'ORDER_FINAL',
      order: {
        id: '1',
        status: 'PAID',
        remainingMs: 0,
        totalAmount: { amount: '29.99', currency: 'USD' },
        refunds: [],
      },
    },
  ],
  BUSY: [{ ...message, __typename: 'Busy', code: 'BUSY', retryAfterMs: 500 }],
  PAYMENT_UNAVAILABLE: [],
  STOCK_VERSION_CONFLICT: [],
  STOCK_BELOW_COMMITTED: [],
  PAYMENT_EVENT_NOT_FOUND: [],
  REFUND_NOT_FOUND: [],
  WEBHOOK_ENDPOINT_NOT_FOUND: [],
  EVENT_NOT_FOUND: [],
};

test('docs/frontend.md lists every refusal with the action that the example offers', () => {
  const shown = tableOf(textOf(DOC), 'code').map(([code, , , offers]) => [
    namesIn(code!)[0],
    namesIn(offers!),
  ]);

  // TypeScript requires exactly the members of the schema's ErrorCode as keys.
  expect(shown).toEqual(
    Object.entries(REFUSALS).map(([code, variants]) => [
      code,
      [...new Set(variants.map((refusal) => offerAfter(refusal).offer))],
    ]),
  );
});

function insufficient(
  facts: Pick<
    Extract<Refusal, { __typename: 'InsufficientStock' }>,
    'availableStock' | 'stockStatus'
  >,
): Refusal {
  return { ...message, __typename: 'InsufficientStock', code: 'INSUFFICIENT_STOCK', ...facts };
}
