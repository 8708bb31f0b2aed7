import { SETTINGS } from '../../config/settings.table.ts';
import type { RehearsalOptions } from '../options.ts';
import type { Recording, Sample } from './recording.ts';

/** One part of the system at its busiest. */
export interface Load {
  readonly part: string;
  readonly busiest: string;
  /** Whether it was at its limit. */
  readonly isLimit: boolean;
}

/** What limited the sale. */
export interface Limit {
  /** One or two sentences. */
  readonly text: string;
  readonly loads: readonly Load[];
}

/** A process that uses this part of a core has no idle time left between its samples. */
const BUSY_CORES = 0.9;

/** The same for all cores of the machine together. */
const BUSY_MACHINE = 0.95;

/** Programs that are no part of the rehearsal count as a limit from this part of all cores. */
const OTHERS_PART = 0.25;

const OTHERS = 'CPU of other programs on this machine';

/** Samples in a row: a single one may be a pause of the machine. */
const IN_A_ROW = 2;

/** A queue of this part of HOLD_QUEUE_MAX was full between two scrapes. */
const BUSY_QUEUE = 0.9;

/** Requests wait at two scrapes in a row: the samples between them repeat the first. */
const TWO_SCRAPES = 5;

/** Names the parts that were at their limit. */
export function limitOf(
  { samples, machine, calls, connectionWaits }: Recording,
  { servers, database, settings }: RehearsalOptions,
): Limit {
  const queueMax = Number(settings['HOLD_QUEUE_MAX'] ?? SETTINGS.HOLD_QUEUE_MAX.shownDefault);
  const { cores } = machine;
  const busy = calls.filter(({ outcome }) => outcome === 'BUSY').length;
  const overloaded = calls.filter(({ outcome }) => outcome === 'OVERLOADED').length;
  const others = (sample: Sample): number =>
    sample.machineCores -
    (sample.serverCores ?? 0) -
    (sample.postgresCores ?? 0) -
    sample.generatorCores;
  const isMachineFull = peak(samples, (one) => one.machineCores) >= cores * BUSY_MACHINE;
  const cpu = (part: string, of: (sample: Sample) => number | null, limit: number): Load => ({
    part,
    busiest: coresText(peak(samples, of)),
    isLimit: peak(samples, of) >= limit,
  });
  const loads: Load[] = [
    cpu(
      `CPU of this machine, ${cores} cores`,
      ({ machineCores }) => machineCores,
      cores * BUSY_MACHINE,
    ),
    cpu(OTHERS, others, isMachineFull ? cores * OTHERS_PART : Infinity),
    cpu('CPU of the busiest server', ({ serverCoresMax }) => serverCoresMax, BUSY_CORES),
    cpu(`CPU of all ${servers} servers`, ({ serverCores }) => serverCores, Infinity),
    cpu('CPU of PostgreSQL', ({ postgresCores }) => postgresCores, cores * BUSY_MACHINE),
    cpu('CPU of the load generator', ({ generatorCores }) => generatorCores, BUSY_CORES),
    {
      part: 'Requests in the queues for holds',
      busiest: countText(samples, ({ queued }) => queued),
      isLimit: peak(samples, ({ queued }) => queued, 1) >= servers * queueMax * BUSY_QUEUE,
    },
    {
      part: 'Requests that wait for a session',
      busiest: countText(samples, ({ poolWaiting }) => poolWaiting),
      isLimit: peak(samples, ({ poolWaiting }) => poolWaiting, TWO_SCRAPES) > 0,
    },
    { part: 'Answers "busy"', busiest: String(busy), isLimit: busy > 0 },
    { part: 'Answers "overloaded"', busiest: String(overloaded), isLimit: overloaded > 0 },
    {
      part: 'Calls that waited for a connection of the load generator',
      busiest: String(connectionWaits),
      isLimit: connectionWaits > 0,
    },
  ];
  return { text: textOf(loads, database), loads };
}

function textOf(loads: readonly Load[], database: RehearsalOptions['database']): string {
  const limits = loads.filter(({ isLimit }) => isLimit).map(({ part }) => part);
  const isGenerator = limits.some((part) => part.includes('load generator'));
  const isMachine = limits.some((part) => part.includes('this machine'));
  return [
    limits.length === 0 ? 'No part reached its limit.' : `At their limit: ${limits.join('; ')}.`,
    ...(limits.includes(OTHERS)
      ? ['Other programs took CPU from the sale: repeat the rehearsal without them.']
      : []),
    ...(isGenerator || isMachine
      ? [
          'Buyers, servers and PostgreSQL share this machine, so servers of their own answer faster than this.',
        ]
      : []),
    ...(database === 'own'
      ? [
          'The CPU of your PostgreSQL is not measured; on this machine it counts as another program.',
        ]
      : []),
  ].join(' ');
}

function countText(samples: readonly Sample[], of: (sample: Sample) => number | null): string {
  const known = samples.map(of).filter((value) => value !== null);
  return known.length === 0 ? 'not measured' : String(Math.max(...known));
}

/** The greatest value that lasted for some samples in a row; NaN where nothing was measured. */
function peak(
  samples: readonly Sample[],
  of: (sample: Sample) => number | null,
  inARow = IN_A_ROW,
): number {
  const values = samples.map(of).filter((value) => value !== null);
  if (values.length === 0) return NaN;
  const lasting = values
    .slice(0, Math.max(1, values.length - inARow + 1))
    .map((_, index) => Math.min(...values.slice(index, index + inARow)));
  return Math.max(...lasting);
}

function coresText(cores: number): string {
  return Number.isNaN(cores) ? 'not measured' : `${cores.toFixed(2)} cores`;
}
