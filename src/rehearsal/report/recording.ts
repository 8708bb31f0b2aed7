/*
 * What a rehearsal records. The report is made from it by pure functions. All times are milliseconds
 * after the opening of the sale, by the monotonic clock of the load generator.
 */

/** The calls of buyers, and those of the payment provider for them. */
export const OPERATIONS = ['product', 'createHold', 'createOrder', 'payment', 'order'] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** One call and its answer. */
export interface Call {
  readonly buyer: number;
  readonly operation: OperationName;
  readonly atMs: number;
  readonly tookMs: number;
  /** `ok`, the code of a refusal or a fault, the outcome of a payment, or why there is no answer. */
  readonly outcome: string;
}

/** Units that a buyer had by the answers it received: at least from `fromMs` to `toMs`. */
export interface Claim {
  readonly buyer: number;
  readonly units: number;
  readonly fromMs: number;
  /** Null for paid units: no end. */
  toMs: number | null;
}

/** How the purchase of a buyer ends. */
export const ENDINGS = [
  'paid',
  'refund',
  'order not paid',
  'hold not used',
  'hold expired',
  'sold out',
  'refused',
  'page closed',
  'no answer',
] as const;
export type Ending = (typeof ENDINGS)[number];

/** A buyer at its end. */
export interface BuyerEnd {
  readonly number: number;
  readonly arrivedAtMs: number;
  readonly ending: Ending;
  /** The sentence that the last refusal gave; empty without one. */
  readonly reason: string;
  /** From the arrival to a hold or to the last refusal, pauses between tries included. */
  readonly decidedMs: number;
}

/** The state at one moment. CPU is in cores since the last sample; null where it is not measured. */
export interface Sample {
  readonly atMs: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly serverCores: number | null;
  /** The busiest server. */
  readonly serverCoresMax: number | null;
  readonly postgresCores: number | null;
  readonly generatorCores: number;
  /** Of the whole machine, programs that are no part of the rehearsal included. */
  readonly machineCores: number;
  /** How late the event loop of the load generator was, at most. */
  readonly generatorDelayMs: number;
  /** Requests for holds in the queues of all servers; null where no server answered. */
  readonly queued: number | null;
  /** Requests that wait for a database connection, of all servers. */
  readonly poolWaiting: number | null;
}

/** A fault that was injected. */
export interface Fault {
  readonly text: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The database at the end, when every deadline has passed. */
export interface FinalState {
  readonly stock: {
    readonly total: number;
    readonly available: number;
    readonly held: number;
    readonly sold: number;
  };
  readonly audit: { readonly balanced: boolean; readonly findings: readonly string[] };
  readonly openRefunds: number;
}

/** Where a rehearsal ran. */
export interface Machine {
  readonly cores: number;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
  readonly postgres: string;
  readonly version: string;
}

/** Everything that a rehearsal recorded. */
export interface Recording {
  /** ISO 8601, by the database's clock. */
  readonly openedAt: string;
  readonly machine: Machine;
  readonly calls: readonly Call[];
  readonly claims: readonly Claim[];
  readonly buyers: readonly BuyerEnd[];
  readonly samples: readonly Sample[];
  readonly faults: readonly Fault[];
  /** Answers that contradict each other, one sentence each. */
  readonly contradictions: readonly string[];
  /** Calls that waited for a connection of the load generator. */
  readonly connectionWaits: number;
  /** Reasons of the refunds that orders show, each with its number. */
  readonly refunds: Readonly<Record<string, number>>;
  readonly final: FinalState;
}
