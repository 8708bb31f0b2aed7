import { useState, type ReactNode } from 'react';
import { failureText } from '../client.ts';
import { count } from './format.ts';

/** Rows of one page: many enough to scroll through, few enough for a phone. */
export const PAGE_ROWS = 20;

/** A page of a list as the server sends it. */
export interface Connection<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly totalCount: number;
}

/** The position in a list: the cursors of the pages before, and of this one. */
export interface Paging {
  readonly after: string | null;
  readonly page: number;
  readonly next: (cursor: string | null) => void;
  readonly previous: () => void;
}

/** Pages through a list by the server's cursors. */
export function usePaging(): Paging {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  return {
    after: cursors.at(-1) ?? null,
    page: cursors.length,
    next: (cursor) => setCursors([...cursors, cursor]),
    previous: () => setCursors(cursors.slice(0, -1)),
  };
}

/** A column of a list. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  readonly isNumber?: boolean;
}

/** What a list shows, and the state of its query. */
export interface ListProps<Row> {
  readonly name: string;
  readonly connection: Connection<Row> | undefined;
  readonly error: unknown;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly paging: Paging;
  readonly onRefresh: () => unknown;
}

/** One page of a list, with its position and buttons to the pages around it. */
export function List<Row>({ connection, paging, onRefresh, ...list }: ListProps<Row>) {
  if (connection === undefined)
    return list.error == null ? (
      <p className="loading">Loading …</p>
    ) : (
      <p role="alert" className="failure">
        {failureText(list.error)} <button onClick={() => void onRefresh()}>Try again</button>
      </p>
    );
  const { nodes, pageInfo, totalCount } = connection;
  const first = (paging.page - 1) * PAGE_ROWS + 1;
  return (
    <>
      {nodes.length === 0 ? <p>There are none.</p> : <Table {...list} rows={nodes} />}
      <div className="pager">
        <span role="status">
          {nodes.length > 0 && `${count(first)} to ${count(first + nodes.length - 1)} of `}
          {count(totalCount)}
        </span>
        <button disabled={paging.page === 1} onClick={paging.previous}>
          Previous
        </button>
        <button disabled={!pageInfo.hasNextPage} onClick={() => paging.next(pageInfo.endCursor)}>
          Next
        </button>
        <button onClick={() => void onRefresh()}>Refresh</button>
      </div>
    </>
  );
}

/** A table that becomes a list of cards on a narrow screen. */
export function Table<Row>({
  name,
  rows,
  columns,
  keyOf,
}: Pick<ListProps<Row>, 'name' | 'columns' | 'keyOf'> & { readonly rows: readonly Row[] }) {
  return (
    <table>
      <caption>{name}</caption>
      <thead>
        <tr>
          {columns.map(({ head }) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ head, cell, isNumber }) => (
              <td key={head} data-head={head} className={isNumber ? 'number' : undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
