import type { BuyerEnd, Recording } from './recording.ts';

/** Whether the sale was right, in words. */
export interface Verdict {
  readonly passed: boolean;
  /** One sentence. */
  readonly headline: string;
  /** What is wrong, one sentence each; empty where the sale passed. */
  readonly findings: readonly string[];
  /** What a person should read beside it. */
  readonly notes: readonly string[];
}

/**
 * Decides whether the sale was right. The answers that buyers received are held against the database,
 * and both against the number of units. Neither is trusted alone.
 *
 * @param claimedMax most units that buyers had at one moment by their answers
 */
export function verdictOf(recording: Recording, claimedMax: number): Verdict {
  const { total } = recording.final.stock;
  const oversold = oversoldFindings(recording, claimedMax);
  const findings = [...oversold, ...otherFindings(recording)];
  const { sold } = recording.final.stock;
  const headline =
    oversold.length > 0
      ? `OVERSOLD: more units were promised than the ${total} that exist.`
      : findings.length > 0
        ? 'No unit was oversold, but something is wrong.'
        : `No unit was oversold: ${counted(sold, 'unit')} of ${total} sold, and every buyer got an answer.`;
  return { passed: findings.length === 0, headline, findings, notes: notesOf(recording) };
}

function oversoldFindings({ samples, claims, final }: Recording, claimedMax: number): string[] {
  const { total, sold } = final.stock;
  const paid = claims
    .filter(({ toMs }) => toMs === null)
    .reduce((sum, { units }) => sum + units, 0);
  const broken = samples.filter(
    (one) => one.available + one.held + one.sold !== total || one.available < 0 || one.held < 0,
  );
  return [
    ...(paid > total ? [`Buyers paid for ${counted(paid, 'unit')} of ${total}.`] : []),
    ...(sold > total ? [`The database sold ${counted(sold, 'unit')} of ${total}.`] : []),
    ...(claimedMax > total
      ? [`By their answers, buyers had ${counted(claimedMax, 'unit')} at one moment, of ${total}.`]
      : []),
    ...(broken.length > 0
      ? [`The counters did not add up to ${total} in ${counted(broken.length, 'sample')}.`]
      : []),
  ];
}

function otherFindings({ claims, contradictions, buyers, final, refunds }: Recording): string[] {
  const { sold, held } = final.stock;
  const paid = claims
    .filter(({ toMs }) => toMs === null)
    .reduce((sum, { units }) => sum + units, 0);
  const silent = buyers.filter(isWithoutReason).length;
  const shown = Object.values(refunds).reduce((sum, count) => sum + count, 0);
  return [
    ...(paid !== sold
      ? [`Buyers paid for ${counted(paid, 'unit')} by their answers; the database sold ${sold}.`]
      : []),
    ...(held > 0 ? [`${counted(held, 'unit')} stayed held after every deadline.`] : []),
    ...(silent > 0
      ? [`${counted(silent, 'buyer')} got no answer, or a refusal without a reason.`]
      : []),
    ...(shown !== final.openRefunds
      ? [`Buyers see ${counted(shown, 'refund')}; the database has ${final.openRefunds} open.`]
      : []),
    ...contradictions,
    ...final.audit.findings.map((finding) => `Audit: ${finding}`),
  ];
}

/** A buyer without an answer, or refused without a sentence that says why. */
function isWithoutReason({ ending, reason }: BuyerEnd): boolean {
  if (ending === 'no answer') return true;
  return ['sold out', 'refused', 'hold expired'].includes(ending) && reason === '';
}

function notesOf({ buyers, final, connectionWaits }: Recording): string[] {
  const { available } = final.stock;
  const refused = buyers.filter(({ ending }) => ending === 'sold out').length;
  const refunds = final.openRefunds;
  return [
    ...(available > 0 && refused > 0
      ? [
          `${counted(available, 'unit')} stayed unsold, although ${counted(refused, 'buyer')} found none: the units were held by buyers that did not pay. A shorter hold sells more of them.`,
        ]
      : []),
    ...(refunds > 0 ? [`${counted(refunds, 'payment')} must be sent back to buyers.`] : []),
    ...(connectionWaits > 0
      ? [
          `${counted(connectionWaits, 'call')} waited for a connection of the load generator. Latency includes this wait.`,
        ]
      : []),
  ];
}

/** `1 unit`, `2,000 units`. */
function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
