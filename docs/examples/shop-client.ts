import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

/** Ends a subscription or a countdown. A second call is harmless. */
export type Stop = () => void;

/** The variables of an operation. */
export type Variables = Record<string, unknown>;

/** The functions of a GraphQL library that the page uses, typed by their document. */
export interface ShopClient {
  /** Queries the server by HTTP, never a cache. Throws CallFailed. */
  query<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
  ): Promise<Data>;

  /** Mutates by HTTP. A refusal is an answer. Throws CallFailed if there is no answer. */
  mutate<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
  ): Promise<Data>;

  /**
   * Subscribes by websocket, and again after each loss. Calls `failed` if the server ended it with an
   * error.
   */
  subscribe<Data, V extends Variables>(
    document: TypedDocumentNode<Data, V>,
    variables: V,
    observer: { next(data: Data): void; failed(error: CallFailed): void },
  ): Stop;

  /** Ends every subscription and closes the websocket. */
  close(): void;
}

/** A call without an answer: the network failed, or the server returned an error. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  /** The server's `extensions.code`; undefined if the network failed and the outcome is unknown. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** The errors as a library reports them; none if the network failed. */
export function callFailed(
  error: Error,
  errors: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[] = [],
): CallFailed {
  const code = errors[0]?.extensions?.['code'];
  return new CallFailed(error.message, typeof code === 'string' ? code : undefined);
}
