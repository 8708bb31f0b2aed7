import type { Call, History } from './history.ts';
import { millionths, textOfMillionths } from './money.ts';
import type { OrderRow, Rows } from './rows.ts';
import type { Rule } from './violation.ts';

/** A history and its rows. */
export interface Recorded {
  readonly history: History;
  readonly rows: Rows;
}

/** A fault that is planted in copies of a recorded run, to show that the checker finds it. */
export interface PlantedFault {
  readonly name: string;
  /** The rule that must be found broken. */
  readonly rule: Rule;
  /** The changed copies; undefined where the run has no place for it. */
  readonly plant: (recorded: Recorded) => Recorded | undefined;
}

/** The ten faults. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: 'one unit is lost',
    rule: 'stock',
    plant: ({ history, rows }) => ({
      history,
      rows: {
        ...rows,
        levels: changeFirst(
          rows.levels,
          () => true,
          (level) => ({ available: level.available - 1 }),
        ),
      },
    }),
  },
  {
    name: 'one key has two holds',
    rule: 'keys',
    plant: ({ history, rows }) =>
      withHolds({ history, rows }, [
        ...rows.holds,
        { ...rows.holds[0]!, id: 'second', orderId: '-' },
      ]),
  },
  {
    name: 'an acknowledged hold is missing',
    rule: 'model',
    plant: ({ history, rows }) => {
      const lost = rows.holds.find(({ id }) => readIds(history).has(id));
      return (
        lost &&
        withHolds(
          { history, rows },
          rows.holds.filter((hold) => hold !== lost),
        )
      );
    },
  },
  {
    name: 'a refused hold exists',
    rule: 'keys',
    plant: ({ history, rows }) => {
      const hold = history.find(({ request, answer }) => {
        return request.kind === 'createHold' && answer.kind === 'ok';
      });
      if (hold?.request.kind !== 'createHold') return undefined;
      const { key } = hold.request;
      const refused = { kind: 'refused', code: 'INSUFFICIENT_STOCK' } as const;
      return { history: changeCalls(history, key, refused), rows };
    },
  },
  {
    name: 'an order is paid twice',
    rule: 'model',
    plant: ({ history, rows }) => {
      const second = rows.refunds.find(({ reason }) => reason === 'DUPLICATE_PAYMENT');
      if (second === undefined) return undefined;
      const events = changeFirst(
        rows.events,
        ({ id }) => id === second.eventId,
        () => ({ status: 'APPLIED' }),
      );
      const refunds = rows.refunds.filter((refund) => refund !== second);
      return { history, rows: { ...rows, events, refunds } };
    },
  },
  {
    name: 'a refund is missing',
    rule: 'money',
    plant: ({ history, rows }) =>
      rows.refunds.length === 0
        ? undefined
        : { history, rows: { ...rows, refunds: rows.refunds.slice(1) } },
  },
  {
    name: 'a paid order is pending again',
    rule: 'model',
    plant: ({ history, rows }) => {
      const read = history.find((call) => isReadOfPaid(call) && isPaidBefore(history, call));
      if (read === undefined) return undefined;
      const pending: Call = { ...read, answer: { ...PENDING, id: null, body: null } };
      return { history: history.map((call) => (call === read ? pending : call)), rows };
    },
  },
  {
    name: 'a refund is one unit of money too small',
    rule: 'money',
    plant: ({ history, rows }) => {
      const refunds = changeFirst(
        rows.refunds,
        ({ amount }) => amount !== null && millionths(amount) > ONE_HUNDREDTH,
        ({ amount }) => ({ amount: textOfMillionths(millionths(amount!) - ONE_HUNDREDTH) }),
      );
      return { history, rows: { ...rows, refunds } };
    },
  },
  {
    name: 'a version of the stock is missing',
    rule: 'stock',
    plant: ({ history, rows }) => ({
      history,
      rows: { ...rows, movements: rows.movements.filter(({ version }) => version !== 2) },
    }),
  },
  {
    name: 'an acknowledged payment event is missing',
    rule: 'keys',
    plant: ({ history, rows }) => {
      const lost = rows.events.find(({ status }) => status === 'IGNORED' || status === 'APPLIED');
      const events = rows.events.filter((event) => event !== lost);
      return lost && { history, rows: { ...rows, events } };
    },
  },
];

const PENDING = { kind: 'ok', says: 'PENDING' } as const;

/** The smallest unit of most currencies, in millionths. */
const ONE_HUNDREDTH = 10_000n;

const withHolds = ({ history, rows }: Recorded, holds: Rows['holds']): Recorded => ({
  history,
  rows: { ...rows, holds },
});

/** A copy of the list with the first fitting item changed. */
function changeFirst<Item>(
  items: readonly Item[],
  isWanted: (item: Item) => boolean,
  change: (item: Item) => Partial<Item>,
): Item[] {
  const at = items.findIndex(isWanted);
  return items.map((item, index) => (index === at ? { ...item, ...change(item) } : item));
}

/** The ids of acknowledged holds. */
function readIds(history: History): ReadonlySet<string> {
  return new Set(
    history.flatMap(({ request, answer }) =>
      request.kind === 'createHold' && answer.kind === 'ok' ? [answer.id!] : [],
    ),
  );
}

/** The history with another answer to every createHold of one key. */
function changeCalls(history: History, key: string, answer: Call['answer']): History {
  return history.map((call) =>
    call.request.kind === 'createHold' && call.request.key === key ? { ...call, answer } : call,
  );
}

function isReadOfPaid({ request, answer }: Call): boolean {
  return (
    request.kind === 'readOrder' &&
    answer.kind === 'ok' &&
    answer.says === ('PAID' satisfies OrderRow['status'])
  );
}

/** Whether another answer named the order as paid before this read began. */
function isPaidBefore(history: History, read: Call): boolean {
  if (read.request.kind !== 'readOrder') return false;
  const { purchase } = read.request;
  return history.some(
    ({ request, answer, ends }) =>
      'purchase' in request &&
      request.purchase === purchase &&
      ends < read.begins &&
      answer.kind === 'ok' &&
      /^(200 applied paid|PAID)$/.test(answer.says),
  );
}
