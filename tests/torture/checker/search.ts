import { isWithoutEffect, type PurchaseCall } from './history.ts';
import { NOTHING, outcomesOf, settle, type PurchaseFacts, type State } from './model.ts';

/** Rounding of instants to whole milliseconds, on both sides of a comparison. */
const SLACK_MS = 5;

/** Most states of one purchase that are looked at. A purchase has some dozens. */
const STATES_MAX = 200_000;

/** Whether some order of the calls explains all answers and the final rows. */
export type Explanation =
  | { readonly kind: 'explained' }
  | { readonly kind: 'too many states' }
  /** The longest order that fits the answers, and the state after it. */
  | { readonly kind: 'unexplained'; readonly order: readonly number[]; readonly state: State };

/**
 * Looks for an order of the calls in which the sequential model gives every recorded answer and ends
 * with the rows (linearizability, by the search of Wing and Gong). A call that returned before another
 * one began comes first. A call with an unknown answer takes effect at any time after it began, or
 * never. Deadlines pass, and sweeps settle events, between the calls.
 *
 * @param final the rows, as `summaryOf` gives them
 */
export function explain(
  calls: readonly PurchaseCall[],
  facts: PurchaseFacts,
  final: string,
): Explanation {
  return new Search(calls, facts, final).run();
}

/** The parts of a state that the rows show, as text. */
export function summaryOf({ hold, order, cancelledBy, paidBy, events, refunds }: State): string {
  const statuses = Object.entries(events).map(([key, { status }]) => `${key} ${status}`);
  const reasons = Object.entries(refunds).map(([payment, reason]) => `${payment} ${reason}`);
  return JSON.stringify({
    hold,
    order,
    cancelledBy,
    paidBy,
    events: statuses.toSorted(),
    refunds: reasons.toSorted(),
  });
}

class Search {
  readonly #calls: readonly PurchaseCall[];
  readonly #facts: PurchaseFacts;
  readonly #final: string;
  readonly #seen = new Set<string>();
  #furthest: { order: readonly number[]; state: State } = { order: [], state: NOTHING };

  constructor(calls: readonly PurchaseCall[], facts: PurchaseFacts, final: string) {
    this.#calls = calls.filter((call) => !isWithoutEffect(call));
    this.#facts = facts;
    this.#final = final;
  }

  run(): Explanation {
    if (this.#visit(new Set(), NOTHING, [])) return { kind: 'explained' };
    if (this.#seen.size > STATES_MAX) return { kind: 'too many states' };
    return { kind: 'unexplained', ...this.#furthest };
  }

  /** Whether the calls that are not done yet can follow this state. */
  #visit(done: ReadonlySet<number>, state: State, order: readonly number[]): boolean {
    const seen = `${[...done].toSorted((a, b) => a - b).join()} ${JSON.stringify(state)}`;
    if (this.#seen.has(seen) || this.#seen.size > STATES_MAX) return false;
    this.#seen.add(seen);
    if (order.length > this.#furthest.order.length) this.#furthest = { order, state };
    const left = this.#calls.filter(({ id }) => !done.has(id));
    if (left.every(isUnknown) && this.#endsAsStored(state)) return true;
    const firstEnd = Math.min(...left.filter((call) => !isUnknown(call)).map(({ ends }) => ends));
    return left
      .filter(({ begins }) => begins < firstEnd)
      .some((call) => this.#tryNext(call, { done, state, order }));
  }

  #tryNext(
    call: PurchaseCall,
    { done, state, order }: { done: ReadonlySet<number>; state: State; order: readonly number[] },
  ): boolean {
    const said = saidBy(call);
    const until = isUnknown(call) ? Infinity : call.returnedAt;
    return this.#withSweeps(state, until).some(
      (before) =>
        this.#isInTime(before, call) &&
        outcomesOf(before, call.request, this.#facts)
          .filter((outcome) => said === undefined || outcome.said === said)
          .some(({ next }) => this.#visit(new Set([...done, call.id]), next, [...order, call.id])),
    );
  }

  /** A hold is unusable from its deadline on, and nothing expires before its deadline. */
  #isInTime({ hold, order }: State, call: PurchaseCall): boolean {
    const { expiresAt, paymentExpiresAt } = this.#facts;
    const endsAt = isUnknown(call) ? Infinity : call.returnedAt + SLACK_MS;
    if (hold === 'ACTIVE' && call.calledAt - SLACK_MS > expiresAt) return false;
    if (hold === 'EXPIRED' && endsAt < expiresAt) return false;
    return order !== 'EXPIRED' || endsAt >= paymentExpiresAt;
  }

  /** The state, and every state that deadlines and sweeps can make of it until an instant. */
  #withSweeps(state: State, until: number, isEnd = false): State[] {
    const found = new Map([[JSON.stringify(state), state]]);
    // A Map visits the entries that are added during the iteration.
    for (const each of found.values())
      for (const next of this.#swept(each, until, isEnd)) found.set(JSON.stringify(next), next);
    return [...found.values()];
  }

  #swept(state: State, until: number, isEnd: boolean): State[] {
    const { expiresAt, paymentExpiresAt } = this.#facts;
    const next: State[] = [];
    if (state.hold === 'ACTIVE' && until + SLACK_MS >= expiresAt)
      next.push({ ...state, hold: 'EXPIRED' });
    if (state.order === 'PENDING' && until + SLACK_MS >= paymentExpiresAt)
      next.push({ ...state, order: 'EXPIRED' });
    for (const { content, status } of Object.values(state.events)) {
      if (status !== 'PARKED') continue;
      const settled = settle(state, content, { facts: this.#facts, isOver: isEnd });
      next.push(...settled.filter(({ events }) => events[content.key]!.status !== 'PARKED'));
    }
    return next;
  }

  /** After the run every deadline has passed, and every event is settled. */
  #endsAsStored(state: State): boolean {
    return this.#withSweeps(state, Infinity, true)
      .filter(
        ({ hold, order, events }) =>
          hold !== 'ACTIVE' &&
          order !== 'PENDING' &&
          Object.values(events).every(({ status }) => status !== 'PARKED'),
      )
      .some((end) => summaryOf(end) === this.#final);
  }
}

const isUnknown = ({ answer }: PurchaseCall): boolean => answer.kind === 'unknown';

/** The answer in the model's words; undefined where it is unknown. */
function saidBy({ answer }: PurchaseCall): string | undefined {
  if (answer.kind === 'unknown') return undefined;
  return answer.kind === 'ok' ? `ok ${answer.says}` : `refused ${answer.code}`;
}
