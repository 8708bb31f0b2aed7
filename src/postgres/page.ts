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

/** A condition of a list, left out where the value is null. */
export interface Filter {
  /** The condition in SQL; the parameter of the value is given as `$3` or the like. */
  readonly sql: (parameter: string) => string;
  readonly value: unknown;
}

/** A list whose rows are identified and ordered by a key that grows with each new row. */
export interface List<Key, Row> {
  readonly table: string;
  readonly key: readonly [column: string, type: 'uuid' | 'int'];
  /** What holds for every row of the list; `c.now` is the database's clock. */
  readonly condition?: string;
  readonly filters: readonly Filter[];
  readonly keyOf: (row: Row) => Key;
  /** The rows of these keys, in any order. */
  readonly find: (keys: Key[]) => Promise<readonly Row[]>;
}

/** What the statement of a page needs of its list. */
type Rows = Omit<List<unknown, unknown>, 'keyOf' | 'find'>;

/** A statement that gives the keys of one page, newest first, and the number of rows in the whole list. */
interface PageStatement {
  readonly text: string;
  readonly params: readonly unknown[];
}

/**
 * The text has the conditions in use only. One text with `$3 is null or …` would have one plan for all
 * filters, and that plan could use no index.
 */
function pageStatement(
  { table, key: [column, type], condition = 'true', filters }: Rows,
  { first, after }: PageRequest<unknown>,
): PageStatement {
  const used = filters.filter(({ value }) => value !== null);
  const conditions = [condition, ...used.map(({ sql }, index) => sql(`$${index + 2}`))];
  const rows = `${table}, (select shop_clock() as now) c where ${conditions.map((one) => `(${one})`).join(' and ')}`;
  const params = [first + 1, ...used.map(({ value }) => value)];
  const isAfter = after === null ? '' : `and ${column} < $${params.length + 1}::${type}`;
  const text = `
    select (select json_agg(${column}) from (
        select ${column} from ${rows} ${isAfter}
        order by ${column} desc limit $1) page) as keys,
      (select count(*)::int from ${rows}) as "totalCount"`;
  return { text, params: after === null ? params : [...params, after] };
}

/** One page of a list, in two statements for any page size. */
export async function readPage<Key, Row>(
  database: Pick<Database, 'rows'>,
  list: List<Key, Row>,
  request: PageRequest<Key>,
): Promise<Page<Row>> {
  const { first, after } = request;
  const { text, params } = pageStatement(list, request);
  const [page] = await database.rows<{ keys: Key[] | null; totalCount: number }>(text, params);
  const keys = page!.keys ?? [];
  const shown = keys.slice(0, first);
  const rows = new Map((await list.find(shown)).map((row) => [list.keyOf(row), row]));
  return {
    rows: shown.flatMap((key) => rows.get(key) ?? []),
    hasNextPage: keys.length > first,
    hasPreviousPage: after !== null,
    totalCount: page!.totalCount,
  };
}
