import { registerEnumType } from 'type-graphql';
import type { HoldStatus } from '../../../shop/purchases/status.rules.ts';
import type { SaleStatus, StockStatus } from '../../../shop/refusal.ts';

/** A closed list of words as a GraphQL enum; each value is its own name. */
export function enumOf<const Word extends string>(
  name: string,
  description: string,
  words: Readonly<Record<Word, string>>,
): Record<Word, Word> {
  const values = Object.fromEntries(Object.keys(words).map((word) => [word, word])) as Record<
    Word,
    Word
  >;
  const valuesConfig = Object.fromEntries(
    Object.entries<string>(words).map(([word, about]) => [word, { description: about }]),
  ) as Record<Word, { description: string }>;
  registerEnumType(values, { name, description, valuesConfig });
  return values;
}

export const SaleStatusEnum = enumOf(
  'SaleStatus',
  'The state of a product’s sale, by the database’s clock.',
  {
    UPCOMING: 'The sale has not started.',
    LIVE: 'The sale is open.',
    PAUSED: 'An admin has paused the sale. createHold answers SaleNotOpen.',
    ENDED: 'The sale has ended.',
  } satisfies Record<SaleStatus, string>,
);

export const StockStatusEnum = enumOf(
  'StockStatus',
  'Why a product can or cannot be held right now.',
  {
    AVAILABLE: 'Units are available.',
    ALL_HELD:
      'No units are available. Some are held or await payment and may become available again.',
    SOLD_OUT: 'Every unit is sold.',
  } satisfies Record<StockStatus, string>,
);

export const HoldStatusEnum = enumOf(
  'HoldStatus',
  'The state of a hold. Every state except ACTIVE is final.',
  {
    ACTIVE: 'The units are reserved for the buyer until expiresAt.',
    CONVERTED: 'The hold became an order.',
    EXPIRED: 'The deadline passed without an order. The units are available again.',
    RELEASED: 'The buyer released the hold. The units are available again.',
  } satisfies Record<HoldStatus, string>,
);
