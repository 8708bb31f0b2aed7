import { Field, ObjectType } from 'type-graphql';

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
