/** Words that need attention, and those that are well; all others are neutral. */
const TONES: Readonly<Record<string, string>> = {
  PAID: 'good',
  LIVE: 'good',
  APPLIED: 'good',
  DELIVERED: 'good',
  RESOLVED: 'good',
  DONE: 'good',
  OPEN: 'bad',
  DEAD: 'bad',
  FAILED: 'bad',
  DENIED: 'bad',
  REFUND_REQUIRED: 'warn',
  PARKED: 'warn',
  PAUSED: 'warn',
  PENDING: 'warn',
  ACTIVE: 'warn',
  SENT: 'warn',
};

/** A status as a word; its colour only repeats what the word says. */
export function Badge({ status }: { readonly status: string }) {
  return <span className={`badge ${TONES[status] ?? ''}`}>{status}</span>;
}

/** Text such as JSON that is long and rarely needed. */
export function Details({ summary, text }: { readonly summary: string; readonly text: string }) {
  return (
    <details>
      <summary>{summary}</summary>
      <pre>{readable(text)}</pre>
    </details>
  );
}

function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
