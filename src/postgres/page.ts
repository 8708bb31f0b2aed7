import type { Database } from './database.ts';

/** Which page of a list is wanted. */
export interface PageRequest<Key> {
  /** How many rows, 1 or more. */
  readonly first: number;
  /** The key after which the page begins; null for the first page. */
  readonly after: Key | null;
}

/** A page of a list, newest first. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Rows of the whole list. */
  readonly totalCount: number;
}

/** A list whose rows are told apart, and put in order, by a key that grows with each new row. */
export interface List<Key, Row> {
  /** Made by `pageStatement`. */
  readonly statement: string;
  /** Its parameters from `$3` on. */
  readonly params: readonly unknown[];
  readonly keyOf: (row: Row) => Key;
  /** The rows of these keys, in any order. */
  readonly find: (keys: Key[]) => Promise<readonly Row[]>;
}

/**
 * The text of a statement that gives the keys of one page, newest first, and the number of rows in
 * the whole list. In `condition`, parameters begin at `$3` and `c.now` is the database's clock.
 */
export function pageStatement({
  table,
  key,
  condition,
}: {
  readonly table: string;
  readonly key: readonly [column: string, type: 'uuid' | 'int'];
  readonly condition: string;
}): string {
  const [column, type] = key;
  const rows = `${table}, (select shop_clock() as now) c where (${condition})`;
  return `
    select (select json_agg(${column}) from (
        select ${column} from ${rows} and ($1::${type} is null or ${column} < $1)
        order by ${column} desc limit $2) page) as keys,
      (select count(*)::int from ${rows}) as "totalCount"`;
}

/** One page of a list, in two statements whatever its size. */
export async function readPage<Key, Row>(
  database: Database,
  { statement, params, keyOf, find }: List<Key, Row>,
  { first, after }: PageRequest<Key>,
): Promise<Page<Row>> {
  const [page] = await database.rows<{ keys: Key[] | null; totalCount: number }>(statement, [
    after,
    first + 1,
    ...params,
  ]);
  const keys = page!.keys ?? [];
  const shown = keys.slice(0, first);
  const rows = new Map((await find(shown)).map((row) => [keyOf(row), row]));
  return {
    rows: shown.flatMap((key) => rows.get(key) ?? []),
    hasNextPage: keys.length > first,
    hasPreviousPage: after !== null,
    totalCount: page!.totalCount,
  };
}
