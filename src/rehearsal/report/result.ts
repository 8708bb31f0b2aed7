import type { RehearsalOptions } from '../options.ts';
import { callSummaries, latencyPoints, type CallSummary, type LatencyPoint } from './latency.ts';
import { limitOf, type Limit } from './limit.ts';
import { percentilesOf, type Percentiles } from './percentile.ts';
import {
  ENDINGS,
  type BuyerEnd,
  type Claim,
  type Ending,
  type Fault,
  type FinalState,
  type Machine,
  type Recording,
  type Sample,
} from './recording.ts';
import { storiesOf, type Story } from './stories.ts';
import { verdictOf, type Verdict } from './verdict.ts';

/** The format of the JSON file; a file of another format is not compared. */
export const FORMAT = 1;

/** Most samples in a result: a curve of more points looks the same. */
const SAMPLES_MAX = 400;

/** What is compared, shown and stored of a rehearsal. */
export interface RehearsalResult {
  readonly format: typeof FORMAT;
  readonly openedAt: string;
  readonly options: RehearsalOptions;
  readonly machine: Machine;
  /** From the opening to the end of the last buyer. */
  readonly durationMs: number;
  /** From the opening until no unit was available for the first time; null where units were left. */
  readonly soldOutAtMs: number | null;
  readonly verdict: Verdict;
  readonly limit: Limit;
  readonly endings: Readonly<Record<Ending, number>>;
  /** Answers that refuse, by their code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Refusals of buyers with a reason, by the sentence that the buyer reads. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly payments: Payments;
  readonly calls: readonly CallSummary[];
  readonly latency: readonly LatencyPoint[];
  /** From arrival to a hold or the last refusal, in milliseconds. */
  readonly decided: Percentiles;
  readonly stories: readonly Story[];
  readonly samples: readonly Sample[];
  readonly faults: readonly Fault[];
  readonly final: FinalState;
  /** Most units that buyers had at one moment by their answers. */
  readonly claimedMax: number;
}

/** Payments by the answers to their deliveries. */
export interface Payments {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly refunds: Readonly<Record<string, number>>;
  readonly openRefunds: number;
}

/** Makes the result of a recorded rehearsal. */
export function resultOf(recording: Recording, options: RehearsalOptions): RehearsalResult {
  const { openedAt, machine, buyers, calls, claims, samples, faults, final } = recording;
  const buyerCalls = calls.filter(({ operation }) => operation !== 'payment');
  const claimedMax = mostClaimed(claims);
  const summaries = callSummaries(calls);
  return {
    format: FORMAT,
    openedAt,
    options,
    machine,
    durationMs: calls.reduce((last, { atMs, tookMs }) => Math.max(last, atMs + tookMs), 0),
    soldOutAtMs: samples.find(({ available }) => available === 0)?.atMs ?? null,
    verdict: verdictOf(recording, claimedMax),
    limit: limitOf(recording, options),
    endings: countOf(
      buyers.map(({ ending }) => ending),
      ENDINGS,
    ),
    refusals: countOf(
      buyerCalls.map(({ outcome }) => outcome).filter((code) => /^[A-Z_]+$/.test(code)),
    ),
    reasons: reasonsOf(buyers),
    payments: {
      outcomes: summaries.find(({ operation }) => operation === 'payment')?.outcomes ?? {},
      refunds: recording.refunds,
      openRefunds: final.openRefunds,
    },
    calls: summaries,
    latency: latencyPoints(buyerCalls),
    decided: percentilesOf(buyers.map(({ decidedMs }) => decidedMs)),
    stories: storiesOf(buyers, calls),
    samples: thinned(samples),
    faults,
    final,
    claimedMax,
  };
}

/** How often each word occurs, the most frequent first; or in the order of `known`, zeros included. */
function countOf<Word extends string>(
  words: readonly Word[],
  known?: readonly Word[],
): Record<Word, number> {
  const counts = new Map<Word, number>((known ?? []).map((word) => [word, 0]));
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const entries = [...counts];
  if (known === undefined) entries.sort(([, one], [, other]) => other - one);
  return Object.fromEntries(entries) as Record<Word, number>;
}

/**
 * The sentences that refused buyers read. Sentences that differ in their numbers only, such as
 * "3 requested, 2 available.", count as the first of them.
 */
function reasonsOf(buyers: readonly BuyerEnd[]): Record<string, number> {
  const reasons = buyers.map(({ reason }) => reason).filter((reason) => reason !== '');
  const kinds = Map.groupBy(reasons, (reason) => reason.replaceAll(/\d+/g, 'n'));
  return countOf([...kinds.values()].flatMap((all) => all.map(() => all[0]!)));
}

/**
 * Most units that were claimed at one moment. A claim begins when its answer arrived and ends by the
 * time that the answer gave, counted from the request: the units are the buyer's in all of that time.
 */
export function mostClaimed(claims: readonly Claim[]): number {
  const moves = claims
    .filter(({ fromMs, toMs }) => toMs === null || toMs > fromMs)
    .flatMap(({ units, fromMs, toMs }) => [
      { atMs: fromMs, units },
      ...(toMs === null ? [] : [{ atMs: toMs, units: -units }]),
    ])
    // At one moment, what ends does so before what begins.
    .toSorted((one, other) => one.atMs - other.atMs || one.units - other.units);
  let [claimed, most] = [0, 0];
  for (const { units } of moves) most = Math.max(most, (claimed += units));
  return most;
}

/** Every n-th sample, and the last one. */
function thinned(samples: readonly Sample[]): readonly Sample[] {
  const step = Math.ceil(samples.length / SAMPLES_MAX);
  return samples.filter((_, index) => index % step === 0 || index === samples.length - 1);
}
