import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

/** Ends what was begun: a subscription, a countdown. Twice is harmless. */
export type Stop = () => void;

/** What the variables of an operation can be. */
export type Variables = Record<string, unknown>;

/** What the page needs of a GraphQL library: three verbs, typed by the document they are given. */
export interface ShopClient {
  /** Asks by HTTP, always the server. Throws CallFailed. */
  query<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
  ): Promise<Data>;

  /** Acts by HTTP. A refusal is one of the answers; throws CallFailed where there is no answer. */
  mutate<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
  ): Promise<Data>;

  /** Follows by websocket, over every loss of it. Calls `failed` where the server ended it with an error. */
  subscribe<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
    observer: { next(data: Data): void; failed(error: CallFailed): void },
  ): Stop;

  /** Ends every subscription and closes the websocket. */
  close(): void;
}

/** A call got no answer: the network failed, or the server answered with an error. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  /** The server's `extensions.code`; undefined where the network failed and the outcome is unknown. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** As a library reports them: GraphQL's errors, or none where the network failed. */
export function callFailed(
  error: Error,
  errors: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[] = [],
): CallFailed {
  const code = errors[0]?.extensions?.['code'];
  return new CallFailed(error.message, typeof code === 'string' ? code : undefined);
}
