import { ArgsType, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import type { Page, PageRequest } from '../../../postgres/page.ts';
import { badUserInputError } from './refusals.ts';

/** Most rows on one page. */
const PAGE_MAX = 100;

/** The arguments of every list. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: 20, description: 'Number of rows, 1 to 100.' })
  declare first: number;

  @Field(() => String, { nullable: true, description: 'Return the rows after this cursor.' })
  declare after?: string | null;
}

/** The position of a page, as Relay's cursor connections specify it. */
@ObjectType('PageInfo', { description: 'The position of a page in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether rows follow after endCursor.' })
  declare hasNextPage: boolean;

  @Field(() => Boolean, { description: 'Whether rows precede startCursor.' })
  declare hasPreviousPage: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the first row; null on an empty page.',
  })
  declare startCursor: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Cursor of the last row; null on an empty page. Pass it as `after` to get the next page.',
  })
  declare endCursor: string | null;
}

/** The cursors of one list. They are opaque to clients and not valid in other lists. */
export class Cursors<Key extends string | number> {
  readonly #list: string;
  readonly #parse: (text: string) => Key | undefined;

  constructor(list: string, parse: (text: string) => Key | undefined) {
    this.#list = list;
    this.#parse = parse;
  }

  /** The cursor of the row with this key. */
  of(key: Key): string {
    return Buffer.from(`${this.#list}:${key}`).toString('base64url');
  }

  /** The key in a cursor; undefined for text that is not a cursor of this list. */
  keyOf(cursor: string): Key | undefined {
    const text = Buffer.from(cursor, 'base64url').toString();
    const key = this.#parse(text.slice(this.#list.length + 1));
    // base64 has several spellings of one text; only the one that `of` makes is valid.
    return key !== undefined && this.of(key) === cursor ? key : undefined;
  }

  /** The page that the arguments select. @throws GraphQLError for an invalid size or cursor */
  pageRequest({ first, after }: PageArgs): PageRequest<Key> {
    if (first < 1 || first > PAGE_MAX)
      throw badUserInputError(`first is ${first}; it must be 1 to ${PAGE_MAX}.`);
    const key = after == null ? null : this.keyOf(after);
    if (key === undefined) throw badUserInputError('after is not a cursor of this list.');
    return { first, after: key };
  }

  /** A page as a Relay connection. */
  connection<Row extends object>(
    { rows, hasNextPage, hasPreviousPage, totalCount }: Page<Row>,
    keyOf: (row: Row) => Key,
  ): Connection<Row> {
    const edges = rows.map((node) => ({ cursor: this.of(keyOf(node)), node }));
    const pageInfo = {
      hasNextPage,
      hasPreviousPage,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    };
    return { edges, nodes: rows, pageInfo, totalCount };
  }
}

/** A page of a list with its cursors. */
export interface Connection<Row> {
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  readonly nodes: readonly Row[];
  readonly pageInfo: PageInfo;
  readonly totalCount: number;
}

/** The GraphQL type of a list's pages. It has no edges: `pageInfo` has the cursors that clients need. */
export function connectionType(
  name: string,
  node: ClassType,
  description: string,
  order = 'newest first',
): ClassType {
  @ObjectType(name, { description })
  class ConnectionType {
    @Field(() => [node], { description: `The rows of this page, ${order}.` })
    declare nodes: readonly object[];

    @Field(() => PageInfo, { description: 'The position of this page.' })
    declare pageInfo: PageInfo;

    @Field(() => Int, { description: 'Number of rows in the whole list.' })
    declare totalCount: number;
  }
  return ConnectionType;
}

/** A product id that no product has: a filter with it gives an empty list. */
export const NO_PRODUCT = 0;

/** The same for rows with a UUID: the nil UUID is never generated. */
export const NO_ROW = '00000000-0000-0000-0000-000000000000';

/** Parses the text of a filter; null without a filter, `noRow` for text that is no id. */
export function filterOf<Value>(
  text: string | null | undefined,
  parse: (text: string) => Value | undefined,
  noRow: Value,
): Value | null {
  return text == null ? null : (parse(text) ?? noRow);
}
