import { GraphQLError, parse, type DocumentNode, type GraphQLSchema, type Location } from 'graphql';
import { LRUCache } from 'lru-cache';
import { BusyFault } from '../../../lib/faults.ts';
import { documentErrors, TOKENS_MAX, type DocumentPolicy } from './limits.ts';
import { WorkBudget, type Work } from './work-budget.ts';

/**
 * What new documents may cost: at most a fifth of the event loop in any two seconds. The share and the
 * burst together take 375 ms of these 400. The rest is for the last piece, which may take 20 ms. The
 * burst of 75 ms is for an app that starts: a dozen documents at once. While the loop has no idle time,
 * the share is 4 %: executing and answering a new document costs as much again, and holds keep four
 * fifths of their rate (`npm run bench:hostile -- heavy`). Two seconds is as long as a request waits
 * for a lock.
 */
export const BUDGET = {
  share: 0.15,
  busyShare: 0.04,
  burstMs: 500,
  waitMaxMs: 2000,
  waitingMax: 1000,
  weightMax: 8 * 1024 * 1024,
} as const;

/**
 * Memory for documents, in estimated bytes. An app has a dozen documents of 20 KB each, in several
 * versions. New documents evict the least recently used ones.
 */
const BYTES_MAX = 8 * 1024 * 1024;

/** A token with its part of the syntax tree (measured: 240 to 400 bytes). */
const TOKEN_BYTES = 400;

/** An error with its stack and positions (measured: 7 to 10 KB). */
const ERROR_BYTES = 10_240;

const OVERLOADED = 'Too many new documents are waiting for validation. No changes were made.';

/** A valid document, or its errors. */
export type CheckedDocument =
  | { readonly document: DocumentNode; readonly errors?: undefined }
  | { readonly errors: readonly GraphQLError[] };

/** The caller of a document. */
export interface DocumentCaller {
  /** Documents of different addresses take turns. */
  readonly address: string;
  /** Whether its connection is closed. */
  readonly isClosed?: boolean;
}

/** A document being checked, and its callers. */
interface Pending {
  readonly outcome: Promise<CheckedDocument>;
  readonly work: Work;
  readonly callers: DocumentCaller[];
}

const UNKNOWN_CALLER: DocumentCaller = { address: '' };

/** The schema, the policy and the budget for documents. */
export interface DocumentsOptions extends DocumentPolicy {
  readonly schema: GraphQLSchema;
  /** By default, the budget of a server. */
  readonly budget?: WorkBudget;
}

/**
 * The cache of parsed and checked documents, for both GraphQL endpoints. A cached document costs nothing.
 * A new one waits for its share of the event loop, so that many new documents do not delay cached ones.
 * Errors of invalid documents are cached as well.
 */
export class Documents {
  /** Parsing, checking and compiling share it. */
  readonly budget: WorkBudget;
  readonly #options: DocumentsOptions;
  readonly #cache = new LRUCache<string, CheckedDocument>({
    maxSize: BYTES_MAX,
    sizeCalculation: bytesOf,
  });
  readonly #pending = new Map<string, Pending>();

  constructor(options: DocumentsOptions) {
    this.#options = options;
    this.budget = options.budget ?? new WorkBudget(BUDGET);
  }

  /**
   * The document, or its errors; at once if it is cached. The error is OVERLOADED after too long a wait.
   * A document whose callers have all disconnected is not checked.
   */
  check(
    query: string,
    caller: DocumentCaller = UNKNOWN_CALLER,
  ): CheckedDocument | Promise<CheckedDocument> {
    const cached = this.#cache.get(query);
    if (cached !== undefined) return cached;
    const pending = this.#pending.get(query) ?? this.#begin(query);
    pending.callers.push(caller);
    // Also for pending work: it may then run in a turn of this caller, too.
    this.budget.add(pending.work, caller.address);
    return pending.outcome;
  }

  #begin(query: string): Pending {
    const { promise, resolve, reject } = Promise.withResolvers<CheckedDocument>();
    const callers: DocumentCaller[] = [];
    const work: Work = {
      weight: query.length,
      isClosed: () => callers.every(({ isClosed }) => isClosed === true),
      run: () => {
        this.#pending.delete(query);
        try {
          const checked = this.#parseAndCheck(query);
          this.#cache.set(query, checked);
          resolve(checked);
        } catch (error) {
          reject(error);
        }
      },
      refuse: () => {
        this.#pending.delete(query);
        resolve({ errors: [overloadedError()] });
      },
    };
    const pending: Pending = { outcome: promise, work, callers };
    this.#pending.set(query, pending);
    return pending;
  }

  #parseAndCheck(query: string): CheckedDocument {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: TOKENS_MAX });
    } catch (error) {
      return { errors: [coded(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')] };
    }
    const errors = documentErrors(this.#options.schema, document, this.#options);
    return errors.length > 0
      ? { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) }
      : { document };
  }
}

/** Estimates the memory of a document: text, tokens with their syntax tree, or errors. */
function bytesOf(checked: CheckedDocument, query: string): number {
  const text = 1024 + 2 * query.length;
  if (checked.errors === undefined) return text + TOKEN_BYTES * tokensFrom(checked.document.loc);
  const { errors } = checked;
  const [node] = errors.flatMap(({ nodes = [] }) => nodes);
  return text + ERROR_BYTES * errors.length + TOKEN_BYTES * tokensFrom(node?.loc);
}

/** The tokens of the whole document: each node keeps all of them, as a linked list with the comments. */
function tokensFrom(loc: Location | undefined): number {
  let token = loc?.startToken ?? null;
  while (token?.prev) token = token.prev;
  let count = 0;
  for (; token !== null; token = token.next) count += 1;
  return count;
}

/** The error for a request that the endpoint does not support. */
export function badRequestError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

function overloadedError(): GraphQLError {
  return new GraphQLError(OVERLOADED, { originalError: new BusyFault(OVERLOADED) });
}

/** The error with the code that Apollo gives it over HTTP. */
function coded({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
