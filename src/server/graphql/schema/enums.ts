import { registerEnumType } from 'type-graphql';

/** A closed list of words as a GraphQL enum whose values are the words themselves. */
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
  'Where a product’s sale stands, by the database’s clock.',
  {
    UPCOMING: 'The sale has not begun.',
    LIVE: 'The product can be held now.',
    ENDED: 'The sale is over.',
  },
);

export const StockStatusEnum = enumOf(
  'StockStatus',
  'Why a product can or cannot be held right now.',
  {
    AVAILABLE: 'Some units are free.',
    ALL_HELD: 'Nothing free, but some units are only held or awaiting payment and may come back.',
    SOLD_OUT: 'Every unit is paid for.',
  },
);

export const HoldStatusEnum = enumOf(
  'HoldStatus',
  'Where a hold is in its life; each end is final.',
  {
    ACTIVE: 'Its units are promised to its buyer until the deadline.',
    CONVERTED: 'It became an order.',
    EXPIRED: 'Its deadline passed without an order; its units went back.',
    RELEASED: 'Its buyer gave the units back.',
  },
);
