import type { RehearsalOptions } from '../../src/rehearsal/options.ts';
import type { BuyerEnd, Call, Recording, Sample } from '../../src/rehearsal/report/recording.ts';

/** Options of a small rehearsal. */
export const REHEARSAL: RehearsalOptions = {
  units: 3,
  buyers: 5,
  servers: 2,
  arrival: 'burst',
  overSeconds: 10,
  quantity: 1,
  price: '29.99',
  currency: 'USD',
  orderPercent: 90,
  payPercent: 80,
  payLatePercent: 5,
  payTwicePercent: 5,
  payWrongPercent: 5,
  retryPercent: 50,
  doubleClickPercent: 5,
  closeTabPercent: 5,
  thinkSeconds: 1,
  holdSeconds: 10,
  paymentSeconds: 10,
  connections: 100,
  seed: 1,
  faults: [],
  database: 'embedded',
  settings: {},
};

/** A sample; the counters are of three units. */
export const sampleAt = (atMs: number, counters: Partial<Sample> = {}): Sample => ({
  atMs,
  available: 3,
  held: 0,
  sold: 0,
  serverCores: 0.5,
  serverCoresMax: 0.3,
  postgresCores: 0.2,
  generatorCores: 0.1,
  machineCores: 0.9,
  generatorDelayMs: 1,
  queued: 0,
  poolWaiting: 0,
  ...counters,
});

const boughtBy = (number: number): BuyerEnd => ({
  number,
  arrivedAtMs: number * 100,
  ending: 'paid',
  reason: '',
  decidedMs: number * 10,
});

const callsOf = (buyer: number): Call[] =>
  (['product', 'createHold', 'createOrder', 'payment', 'order'] as const).map(
    (operation, index) => ({
      buyer,
      operation,
      atMs: buyer * 100 + index * 50,
      tookMs: buyer * 10,
      outcome: operation === 'payment' ? 'applied' : 'ok',
    }),
  );

/** A sale as it should be: three units, three buyers that pay, and two that find none. */
export function goodRecording(): Recording {
  const refused = [4, 5].map((buyer): Call => {
    const call = { buyer, operation: 'createHold', atMs: buyer * 100, tookMs: 7 } as const;
    return { ...call, outcome: 'INSUFFICIENT_STOCK' };
  });
  return {
    openedAt: '2026-11-27T18:00:00.000Z',
    machine: {
      cores: 2,
      memoryGb: 8,
      platform: 'linux x64',
      node: '24.0.0',
      postgres: '18.0',
      version: '0.1.0',
    },
    calls: [...[1, 2, 3].flatMap(callsOf), ...refused],
    claims: [1, 2, 3].map((buyer) => ({ buyer, units: 1, fromMs: buyer * 100, toMs: null })),
    buyers: [
      ...[1, 2, 3].map(boughtBy),
      ...[4, 5].map((number): BuyerEnd => ({
        ...boughtBy(number),
        ending: 'sold out',
        reason: `1 requested, ${number - 4} available.`,
      })),
    ],
    samples: [
      sampleAt(0),
      sampleAt(250, { available: 0, held: 2, sold: 1 }),
      sampleAt(500, { available: 0, held: 0, sold: 3 }),
    ],
    faults: [],
    contradictions: [],
    connectionWaits: 0,
    refunds: {},
    final: {
      stock: { total: 3, available: 0, held: 0, sold: 3 },
      audit: { balanced: true, findings: [] },
      openRefunds: 0,
    },
  };
}
