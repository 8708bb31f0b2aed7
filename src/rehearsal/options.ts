/** How buyers arrive: all in one moment, at a rising rate, or most of them at the opening. */
export const ARRIVALS = ['at-once', 'ramp', 'burst'] as const;
export type Arrival = (typeof ARRIVALS)[number];

/** What can be broken during a rehearsal. */
export const FAULTS = ['kill', 'lock', 'slow'] as const;

/** One fault of a rehearsal. */
export interface PlannedFault {
  readonly kind: (typeof FAULTS)[number];
  /** Seconds after the opening of the sale. */
  readonly atSeconds: number;
}

/** The sale and its buyers. Percentages are whole numbers from 0 to 100. */
export interface RehearsalOptions {
  readonly units: number;
  readonly buyers: number;
  readonly servers: number;
  readonly arrival: Arrival;
  /** The time in which buyers arrive; not used where all arrive at once. */
  readonly overSeconds: number;
  /** Most units that one buyer asks for. */
  readonly quantity: number;
  /** Decimal text, as the admin API takes it. */
  readonly price: string;
  readonly currency: string;
  /** Of the buyers with a hold: how many order. The holds of the others expire. */
  readonly orderPercent: number;
  /** Of the buyers with an order: how many pay in time, late, twice, or a wrong amount. The others never pay. */
  readonly payPercent: number;
  readonly payLatePercent: number;
  readonly payTwicePercent: number;
  readonly payWrongPercent: number;
  /** Of the buyers that find no unit: how many try again while units are only held. */
  readonly retryPercent: number;
  /** Of all buyers: how many send the same createHold twice at once. */
  readonly doubleClickPercent: number;
  /** Of all buyers: how many close the page before createHold is answered. */
  readonly closeTabPercent: number;
  /** Median time of a buyer between two steps. */
  readonly thinkSeconds: number;
  readonly holdSeconds: number;
  readonly paymentSeconds: number;
  /** Most connections of the load generator to all servers together. */
  readonly connections: number;
  /** Decides every choice of the plan. */
  readonly seed: number;
  readonly faults: readonly PlannedFault[];
  readonly database: 'embedded' | 'own';
  /** Settings of the servers, for example DATABASE_POOL_MAX. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Settings that a rehearsal decides. */
const RESERVED = [
  'ADMIN_TOKEN',
  'DATABASE_URL',
  'DATA_DIR',
  'HOLD_TOKEN_SECRETS',
  'HOLD_TTL_SECONDS',
  'HOST',
  'LOG_LEVEL',
  'METRICS_TOKEN',
  'NODE_ENV',
  'ORDER_PAYMENT_TTL_SECONDS',
  'PAYMENT_WEBHOOK_SECRETS',
  'PORT',
  'SEED_DEMO',
  'WORKERS',
];

/** One sentence for each combination of options that makes no sense; none where all is well. */
export function complaintsOf(
  options: RehearsalOptions,
  settingNames: readonly string[],
): readonly string[] {
  const { payPercent, payLatePercent, payTwicePercent, payWrongPercent } = options;
  const paying = payPercent + payLatePercent + payTwicePercent + payWrongPercent;
  const names = Object.keys(options.settings);
  return [
    ...(paying > 100
      ? [`--pay, --pay-late, --pay-twice and --pay-wrong add up to ${paying} %, more than 100 %.`]
      : []),
    ...(options.database === 'own' && options.faults.some(({ kind }) => kind === 'slow')
      ? ['--fault slow needs the embedded database: leave out --own-database.']
      : []),
    ...(options.servers === 1 && options.faults.some(({ kind }) => kind === 'kill')
      ? ['--fault kill needs two servers or more.']
      : []),
    ...names
      .filter((name) => RESERVED.includes(name))
      .map((name) => `--set ${name}: a rehearsal decides this setting.`),
    ...names
      .filter((name) => !settingNames.includes(name))
      .map((name) => `--set ${name}: there is no such setting.`),
  ];
}
