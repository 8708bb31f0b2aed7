import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readDatabaseTexts } from '../config/settings.ts';
import { SETTINGS } from '../config/settings.table.ts';
import { compare, comparisonHtml, readResult } from '../rehearsal/report/compare.ts';
import { htmlOf } from '../rehearsal/report/html.ts';
import { resultOf, type RehearsalResult } from '../rehearsal/report/result.ts';
import {
  ARRIVALS,
  complaintsOf,
  FAULTS,
  type PlannedFault,
  type RehearsalOptions,
} from '../rehearsal/options.ts';
import { rehearse } from '../rehearsal/rehearse.ts';
import { withJson, wholeNumber, type JsonOption } from './options.ts';
import { answer, EXIT, foundSomething, tableOf, withBar } from './output.ts';

/** The command that rehearses a sale. */
export function addRehearsal(program: Command): void {
  const command = withJson(program.command('rehearse')).description(
    'Rehearse a sale on a scratch database and write a report. The live tables are not touched. Exit code 3: the sale was not right.',
  );
  for (const [flag, text, byDefault, [least, most]] of WHOLE_NUMBERS)
    command.addOption(
      new Option(`--${flag} <n>`, text).argParser(between(least, most)).default(byDefault),
    );
  command
    .addOption(
      new Option('--arrival <curve>', 'how buyers arrive').choices(ARRIVALS).default('burst'),
    )
    .option('--price <amount>', 'price of a unit', '29.99')
    .option('--currency <code>', 'its currency', 'USD')
    .addOption(
      new Option('--fault <kind@seconds>', 'break something: kill, lock or slow; repeatable')
        .argParser(fault)
        .default([] as PlannedFault[], 'none'),
    )
    .addOption(
      new Option('--set <NAME=value>', 'a setting of the servers; repeatable')
        .argParser(setting)
        .default({} as Record<string, string>, 'none'),
    )
    .option('--own-database', 'use a new database on the PostgreSQL of DATABASE_URL')
    .option('--out <folder>', 'where the report goes', 'rehearsals')
    .option('--compare <files...>', 'compare two JSON files of rehearsals; rehearses nothing')
    .action(run);
}

type Range = readonly [least: number, most: number];

const PERCENT: Range = [0, 100];

/** Options with a whole number: name, description, default, range. */
const WHOLE_NUMBERS: readonly (readonly [string, string, number, Range])[] = [
  ['units', 'units on sale', 500, [1, 10_000_000]],
  ['buyers', 'number of buyers', 2000, [1, 200_000]],
  ['servers', 'number of server processes', 2, [1, 16]],
  ['over', 'seconds in which buyers arrive', 20, [1, 3600]],
  ['quantity', 'most units that one buyer asks for', 1, [1, 1000]],
  ['order', 'percent of the holds that become orders', 90, PERCENT],
  ['pay', 'percent of the orders that are paid in time', 85, PERCENT],
  ['pay-late', 'percent that are paid after the deadline', 3, PERCENT],
  ['pay-twice', 'percent that are paid twice', 3, PERCENT],
  ['pay-wrong', 'percent that are paid with a wrong amount', 2, PERCENT],
  ['retry', 'percent of the buyers that try again while all units are held', 50, PERCENT],
  ['double-click', 'percent of the buyers that send createHold twice at once', 5, PERCENT],
  ['close-tab', 'percent of the buyers that close the page before the answer', 3, PERCENT],
  ['think', 'median seconds between two steps of a buyer', 3, [0, 3600]],
  ['hold-seconds', 'lifetime of a hold', 15, [1, 86_400]],
  ['payment-seconds', 'payment deadline of an order', 15, [1, 86_400]],
  ['connections', 'most connections to all servers together', 3000, [1, 100_000]],
  ['seed', 'decides every choice of the buyers', 1, [0, 999_999_999]],
];

const between =
  (least: number, most: number) =>
  (text: string): number => {
    const value = wholeNumber(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be ${least} to ${most}.`);
  };

function fault(text: string, others: readonly PlannedFault[]): PlannedFault[] {
  const [kind, at = '', ...rest] = text.split('@');
  const known = FAULTS.find((one) => one === kind);
  if (known === undefined || rest.length > 0 || !/^\d{1,4}(\.\d)?$/.test(at))
    throw new InvalidArgumentError(`It must be one of ${FAULTS.join(', ')}, for example kill@5.`);
  return [...others, { kind: known, atSeconds: Number(at) }];
}

function setting(text: string, others: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be NAME=value.');
  return { ...others, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The options as commander parses them. */
interface Parsed extends JsonOption {
  readonly units: number;
  readonly buyers: number;
  readonly servers: number;
  readonly over: number;
  readonly quantity: number;
  readonly order: number;
  readonly pay: number;
  readonly payLate: number;
  readonly payTwice: number;
  readonly payWrong: number;
  readonly retry: number;
  readonly doubleClick: number;
  readonly closeTab: number;
  readonly think: number;
  readonly holdSeconds: number;
  readonly paymentSeconds: number;
  readonly connections: number;
  readonly seed: number;
  readonly arrival: RehearsalOptions['arrival'];
  readonly price: string;
  readonly currency: string;
  readonly fault: readonly PlannedFault[];
  readonly set: Readonly<Record<string, string>>;
  readonly ownDatabase?: true;
  readonly out: string;
  readonly compare?: readonly string[];
}

async function run(parsed: Parsed, command: Command): Promise<void> {
  if (parsed.compare !== undefined) return compareFiles(parsed, command);
  const options = optionsOf(parsed);
  const complaints = complaintsOf(options, Object.keys(SETTINGS));
  if (complaints.length > 0) command.error(complaints.join('\n'));
  const ownDatabase = parsed.ownDatabase ? readDatabaseTexts() : undefined;
  if (parsed.ownDatabase && ownDatabase === undefined)
    command.error('--own-database needs DATABASE_URL.');
  // Fails now, and not after the sale.
  mkdirSync(parsed.out, { recursive: true });
  const recording = await untilSignal((signal) =>
    withBar((progress) => rehearse(options, { ownDatabase, progress, signal })),
  );
  if (recording === undefined) return;
  const result = resultOf(recording, options);
  const base = resolve(join(parsed.out, result.openedAt.replaceAll(/[:.]/g, '-')));
  writeFileSync(`${base}.json`, `${JSON.stringify(result, rounded, 1)}\n`);
  writeFileSync(`${base}.html`, htmlOf(result));
  answer(parsed.json, result, () => summaryOf(result, base));
  if (!result.verdict.passed) foundSomething();
}

function optionsOf(parsed: Parsed): RehearsalOptions {
  const { units, buyers, servers, arrival, quantity, price, currency, connections, seed } = parsed;
  return {
    units,
    buyers,
    servers,
    arrival,
    quantity,
    price,
    currency,
    connections,
    seed,
    overSeconds: parsed.over,
    orderPercent: parsed.order,
    payPercent: parsed.pay,
    payLatePercent: parsed.payLate,
    payTwicePercent: parsed.payTwice,
    payWrongPercent: parsed.payWrong,
    retryPercent: parsed.retry,
    doubleClickPercent: parsed.doubleClick,
    closeTabPercent: parsed.closeTab,
    thinkSeconds: parsed.think,
    holdSeconds: parsed.holdSeconds,
    paymentSeconds: parsed.paymentSeconds,
    faults: parsed.fault,
    database: parsed.ownDatabase ? 'own' : 'embedded',
    settings: parsed.set,
  };
}

/**
 * Does the work until it is done or a signal arrives; then everything that it started has ended. A second
 * signal ends this process at once, and its servers and its database end with it.
 */
async function untilSignal<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    return await work(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    process.stderr.write('Stopped: the servers have ended, and the scratch database is removed.\n');
    process.exitCode = EXIT.interrupted;
    return undefined;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

function compareFiles({ compare: files, json, out }: Parsed, command: Command): void {
  if (files!.length !== 2) command.error('--compare needs two files.');
  const [first, second] = files!.map((file) => readResult(readFileSync(file, 'utf8'), file));
  const rows = compare(first!, second!);
  mkdirSync(out, { recursive: true });
  const file = resolve(join(out, 'comparison.html'));
  writeFileSync(file, comparisonHtml(first!, second!));
  answer(json, rows, () => `${tableOf(rows.map((row) => ({ ...row })))}\n\nReport: ${file}`);
}

function summaryOf({ verdict, limit, endings }: RehearsalResult, base: string): string {
  const ended = Object.entries(endings).filter(([, count]) => count > 0);
  return [
    `${verdict.passed ? 'Passed.' : 'FAILED.'} ${verdict.headline}`,
    ...verdict.findings.map((finding) => `- ${finding}`),
    ...verdict.notes,
    limit.text,
    '',
    ...ended.map(([ending, count]) => `${ending.padEnd(16)}${count}`),
    '',
    `Report: ${base}.html`,
    `Data:   ${base}.json`,
  ].join('\n');
}

/** Numbers of the JSON file have three decimals: a rehearsal is not more precise. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
