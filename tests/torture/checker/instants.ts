import { isOfPurchase, type Call, type History, type Request } from './history.ts';
import { sha256 } from './keys.ts';
import type { Rows } from './rows.ts';
import { groupBy, type Violation } from './violation.ts';

/** Difference between an instant of the database and one of this process, in milliseconds. */
const SLACK_MS = 20;

/** A row that one of some calls wrote. */
interface Written {
  readonly what: string;
  /** Milliseconds since 1970, by the database. */
  readonly at: number;
  readonly calls: readonly Call[];
}

/**
 * Every row was written during a call that was not refused. A call that is answered as refused and
 * takes effect is found so, even if its repetition with the same key hides it.
 */
export function checkInstants(history: History, rows: Rows): Violation[] {
  return writtenIn(history, rows)
    .filter(({ at, calls }) => !calls.some((call) => mayHaveWritten(call, at)))
    .map(({ what, at, calls }) => ({
      rule: 'keys',
      message: `${what} was written at ${new Date(at).toISOString()}, in no call that may have done so.`,
      calls,
    }));
}

function mayHaveWritten({ answer, calledAt, returnedAt }: Call, at: number): boolean {
  if (answer.kind === 'refused' || calledAt - SLACK_MS > at) return false;
  return answer.kind === 'unknown' || at <= returnedAt + SLACK_MS;
}

function writtenIn(history: History, rows: Rows): Written[] {
  const purchases = new Map(
    history.flatMap(({ request }) =>
      request.kind === 'createHold' ? [[sha256(request.key), request.purchase] as const] : [],
    ),
  );
  const callsOfPurchase = groupBy(history.filter(isOfPurchase), ({ request }) => request.purchase);
  const movedAt = new Map(rows.movements.map((row) => [`${row.productId} ${row.version}`, row.at]));
  const orders = new Map(rows.orders.map((order) => [order.holdId, order]));
  return rows.holds.flatMap((hold) => {
    const { id, keyHash, productId, status, createdAt, releasedVersion } = hold;
    const calls = callsOfPurchase.get(purchases.get(keyHash ?? '') ?? NaN) ?? [];
    const of = (...kinds: Request['kind'][]): Call[] =>
      calls.filter(({ request }) => kinds.includes(request.kind));
    const at = (version: number | null): number => movedAt.get(`${productId} ${version}`) ?? NaN;
    const order = orders.get(id);
    const written = [{ what: `Hold ${id}`, at: createdAt, calls: of('createHold') }];
    if (status === 'RELEASED')
      written.push({
        what: `The release of hold ${id}`,
        at: at(releasedVersion),
        calls: of('releaseHold'),
      });
    if (order === undefined) return written;
    written.push({ what: `Order ${order.id}`, at: order.createdAt, calls: of('createOrder') });
    if (order.status === 'CANCELLED' && order.soldVersion === null)
      written.push({
        what: `The cancellation of order ${order.id}`,
        at: at(order.releasedVersion),
        calls: of('cancelOrder', 'adminCancelOrder'),
      });
    return written;
  });
}
