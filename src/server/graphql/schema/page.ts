import { ArgsType, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import type { Page, PageRequest } from '../../../postgres/page.ts';
import { badUserInputError } from './refusals.ts';

/** Most rows on one page. */
const PAGE_MAX = 100;

/** Which page of a list is wanted, as every list is asked. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: 20, description: '1 to 100.' })
  declare first: number;

  @Field(() => String, { nullable: true, description: 'The cursor after which to begin.' })
  declare after?: string | null;
}

/** Where a page of any list stands, as Relay's cursor connections tell it. */
@ObjectType('PageInfo', { description: 'Where a page stands in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more follows after endCursor.' })
  declare hasNextPage: boolean;

  @Field(() => Boolean, { description: 'Whether something stands before startCursor.' })
  declare hasPreviousPage: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The first edge’s cursor; null on an empty page.',
  })
  declare startCursor: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The last edge’s cursor: pass it as `after` for the next page.',
  })
  declare endCursor: string | null;
}

/** The cursors of one list: they say where a row stands, opaque to clients and strange to other lists. */
export class Cursors<Key extends string | number> {
  readonly #list: string;
  readonly #parse: (text: string) => Key | undefined;

  constructor(list: string, parse: (text: string) => Key | undefined) {
    this.#list = list;
    this.#parse = parse;
  }

  /** Where the row of this key stands. */
  of(key: Key): string {
    return Buffer.from(`${this.#list}:${key}`).toString('base64url');
  }

  /** Where a page begins; undefined for what is no cursor of this list. */
  keyOf(cursor: string): Key | undefined {
    const text = Buffer.from(cursor, 'base64url').toString();
    const key = this.#parse(text.slice(this.#list.length + 1));
    // Compared with what we would have made: base64 has several spellings of one text.
    return key !== undefined && this.of(key) === cursor ? key : undefined;
  }

  /** The page that is asked for. @throws GraphQLError for a size or cursor that is none */
  wanted({ first, after }: PageArgs): PageRequest<Key> {
    if (first < 1 || first > PAGE_MAX)
      throw badUserInputError(`first is ${first}; it must be 1 to ${PAGE_MAX}.`);
    const key = after == null ? null : this.keyOf(after);
    if (key === undefined) throw badUserInputError('after is not a cursor of this list.');
    return { first, after: key };
  }

  /** A page as every connection shows it. */
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

/** The GraphQL type of a list's pages, without edges: `pageInfo` has the cursors that are needed. */
export function connectionType(name: string, node: ClassType, description: string): ClassType {
  @ObjectType(name, { description })
  class ConnectionType {
    @Field(() => [node], { description: 'The page, newest first.' })
    declare nodes: readonly object[];

    @Field(() => PageInfo, { description: 'Where this page stands.' })
    declare pageInfo: PageInfo;

    @Field(() => Int, { description: 'How many the whole list has.' })
    declare totalCount: number;
  }
  return ConnectionType;
}
