import type { InferEntity } from '@mikro-orm/core';

/**
 * A row of a table as plain data: read-only, and null where a column is empty. (The ORM's own
 * inferred type also allows undefined there, which a row read from the database never has.)
 */
export type RowOf<Table> = {
  readonly [Column in keyof InferEntity<Table> & string]-?: Exclude<
    InferEntity<Table>[Column],
    undefined
  >;
};
