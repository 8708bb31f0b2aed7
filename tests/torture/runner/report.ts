import type { Call } from '../checker/history.ts';
import { textOfMillionths } from '../checker/money.ts';
import { groupBy, textOf } from '../checker/violation.ts';
import type { Run } from './run.ts';

/** Most violations and error lines that are printed. */
const SHOWN_MAX = 20;

/** The report of a run as text: calls, faults, answers, money, violations and the duration. */
export function reportOf(run: Run): string {
  const { options, history, faults, violations, ledger, errorLines, durationMs } = run;
  const { seed, servers } = options;
  return [
    `seed ${seed}: ${history.length} operations on ${servers} servers in ${(durationMs / 1000).toFixed(1)} s`,
    `faults: ${countsOf(faults.map(({ kind }) => kind))}`,
    `calls: ${countsOf(history.map(({ request }) => request.kind))}`,
    `answers: ${countsOf(history.map(({ answer }) => answer.kind))}`,
    `refusals: ${countsOf(history.flatMap(refusalOf))}`,
    `unknown: ${countsOf(history.flatMap(reasonOf))}`,
    ...ledger.map(({ currency, received, kept, refunded }) => {
      const [all, paid, back] = [received, kept, refunded].map(textOfMillionths);
      return `money: ${all} ${currency} in = ${paid} in paid orders + ${back} in refunds`;
    }),
    `errors logged: ${errorLines.length}`,
    ...errorLines.slice(0, SHOWN_MAX).map((line) => `  ${line}`),
    `violations: ${countsOf(violations.map(({ rule }) => rule))}${violations.length > 0 ? ` (seed ${seed})` : ''}`,
    ...violations.slice(0, SHOWN_MAX).map(textOf),
  ].join('\n');
}

const refusalOf = ({ answer }: Call): string[] => (answer.kind === 'refused' ? [answer.code] : []);

const reasonOf = ({ answer }: Call): string[] => (answer.kind === 'unknown' ? [answer.reason] : []);

/** Each word with its number, the most frequent first. */
function countsOf(words: readonly string[]): string {
  const counts = [...groupBy(words, (word) => word)].map(
    ([word, all]) => [word, all.length] as const,
  );
  const sorted = counts.toSorted(([, one], [, other]) => other - one);
  return sorted.map(([word, count]) => `${count} ${word}`).join(', ') || 'none';
}
