import { createHash } from 'node:crypto';
import { isWithoutEffect, type Call, type History, type Request } from './history.ts';
import type { EventRow, Rows } from './rows.ts';
import { groupBy, type Violation } from './violation.ts';

/**
 * At most one effect for each key: every row comes from a call that was not refused, every acknowledged
 * call has its row, and no key has two.
 */
export function checkKeys(history: History, rows: Rows): Violation[] {
  const holds = history.filter(isOf('createHold'));
  const adjustments = history.filter(isOf('adjustStock'));
  const deliveries = history.filter(isOf('deliver'));
  return [
    ...faultsOfKeys('Hold', {
      calls: groupBy(holds, ({ request }) => sha256(request.key)),
      rows: rows.holds.map(({ id, keyHash }) => ({ id, key: keyHash })),
    }),
    ...faultsOfKeys('Adjustment', {
      calls: groupBy(adjustments, ({ request }) => sha256(request.key)),
      rows: rows.movements
        // The first movement of a product is its creation.
        .filter(({ cause, version }) => cause === 'ADJUSTMENT' && version > 1)
        .map(({ keyHash }) => ({ id: null, key: keyHash })),
    }),
    ...faultsOfKeys('Payment event', {
      calls: groupBy(deliveries, ({ request }) => request.event.key),
      rows: rows.events.map(({ key }) => ({ id: null, key })),
    }),
    ...faultsOfDeliveries(deliveries, rows.events),
    ...faultsOfAdjustments(adjustments, rows),
    ...faultsOfNotes(history.filter(isOf('resolveRefund')), rows),
  ];
}

type CallOf<Kind extends Request['kind']> = Call & {
  readonly request: Extract<Request, { readonly kind: Kind }>;
};

const isOf =
  <Kind extends Request['kind']>(kind: Kind) =>
  (call: Call): call is CallOf<Kind> =>
    call.request.kind === kind;

/** The SHA-256 by which the shop stores an idempotency key. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const violation = (message: string, calls: readonly Call[] = []): Violation => ({
  rule: 'keys',
  message,
  calls,
});

/** Calls by key, and the rows that have keys. */
interface Keyed {
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  /** `id` is the id that the answers name; null where they name none. */
  readonly rows: readonly { readonly id: string | null; readonly key: string | null }[];
}

function faultsOfKeys(what: string, { calls, rows }: Keyed): Violation[] {
  const byKey = groupBy(rows, ({ key }) => key);
  const ofRows = [...byKey].flatMap(([key, [first, second]]) => {
    const callers = calls.get(key ?? '') ?? [];
    const acknowledged = callers.filter(({ answer }) => answer.kind === 'ok');
    if (second !== undefined) return [violation(`${what}: one key has two rows.`, callers)];
    if (!callers.some(({ answer }) => answer.kind !== 'refused'))
      return [violation(`${what}: a row exists, but every call was refused.`, callers)];
    const isOther = ({ answer }: Call): boolean => answer.kind === 'ok' && answer.id !== first!.id;
    if (first!.id === null || !acknowledged.some(isOther)) return [];
    return [violation(`${what}: an answer names another row than ${first!.id}.`, callers)];
  });
  const lost = [...calls]
    .filter(
      ([key, callers]) => !byKey.has(key) && callers.some(({ answer }) => answer.kind === 'ok'),
    )
    .map(([, callers]) =>
      violation(`${what}: it was acknowledged, but its row is missing.`, callers),
    );
  return [...ofRows, ...lost];
}

/** Deliveries are counted, and all answers with the final outcome have the same bytes. */
function faultsOfDeliveries(
  deliveries: readonly CallOf<'deliver'>[],
  events: readonly EventRow[],
): Violation[] {
  const calls = groupBy(deliveries, ({ request }) => request.event.key);
  return events.flatMap(({ key, duplicates }) => {
    const ofKey = calls.get(key) ?? [];
    const known = ofKey.filter(({ answer }) => answer.kind === 'ok');
    const unknown = ofKey.filter(({ answer }) => answer.kind === 'unknown');
    const bodies = new Set(
      known.flatMap(({ answer }) =>
        answer.kind === 'ok' && !answer.says.startsWith('202') ? [answer.body] : [],
      ),
    );
    const found: string[] = [];
    if (bodies.size > 1) found.push(`Payment event ${key}: its answers differ.`);
    if (duplicates + 1 < known.length || duplicates + 1 > known.length + unknown.length)
      found.push(`Payment event ${key}: ${duplicates} duplicates are counted.`);
    return found.map((message) => violation(message, ofKey));
  });
}

/** An adjustment moves as many units as its call asks for. */
function faultsOfAdjustments(
  adjustments: readonly CallOf<'adjustStock'>[],
  { movements }: Rows,
): Violation[] {
  const byHash = new Map(movements.map((movement) => [movement.keyHash, movement]));
  return adjustments
    .filter((call) => !isWithoutEffect(call))
    .filter(({ request: { key, delta, productId } }) => {
      const movement = byHash.get(sha256(key));
      return movement && (movement.available !== delta || movement.productId !== productId);
    })
    .map((call) => violation('Adjustment: the movement has another size or product.', [call]));
}

/** A refund is resolved by a call, and keeps the note of one. */
function faultsOfNotes(
  resolutions: readonly CallOf<'resolveRefund'>[],
  { refunds }: Rows,
): Violation[] {
  const byRefund = groupBy(resolutions, ({ request }) => request.refundId);
  return refunds.flatMap(({ id, status, note }) => {
    const calls = byRefund.get(id) ?? [];
    const acknowledged = calls.some(({ answer }) => answer.kind === 'ok');
    if (status === 'OPEN')
      return acknowledged ? [violation(`Refund ${id}: resolved, but open.`, calls)] : [];
    const isKnown = calls.some(({ request, answer }) => {
      return request.note === note && answer.kind !== 'refused';
    });
    return isKnown ? [] : [violation(`Refund ${id}: no call resolved it with its note.`, calls)];
  });
}
