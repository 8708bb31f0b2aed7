/** A product as shown or received, in any selection without aliases. */
type Fields = Readonly<Record<string, unknown>>;

/** These change with `stockVersion`; all others but the sale status change with `updatedAt`. */
const STOCK_FIELDS = new Set([
  'stockVersion',
  'availableStock',
  'heldStock',
  'soldStock',
  'totalStock',
  'stockStatus',
  'soldOutAt',
]);

/** The order of a sale's states in time. Any other change has a later `updatedAt`. */
const SALE_STEPS: Readonly<Record<string, number>> = { UPCOMING: 0, PAUSED: 1, LIVE: 1, ENDED: 2 };

/**
 * The product to show after `received`, for any order of answers and pushes: the newer value of each
 * field. The stock goes by `stockVersion`, the rest by `updatedAt`. Of equal ones the last received
 * value counts, but the sale status never moves backwards.
 */
export function newestOf<Known extends object>(known: Known, received: Known): Known {
  const [before, after] = [known, received] as [Fields, Fields];
  const isOlder = {
    stock: isLess(after['stockVersion'], before['stockVersion']),
    rest: isLess(after['updatedAt'], before['updatedAt']),
  };
  const isSaleBack =
    isOlder.rest ||
    (!isLess(before['updatedAt'], after['updatedAt']) && isLess(saleStep(after), saleStep(before)));
  const keeps = (field: string): boolean => {
    if (!(field in after)) return true;
    if (field === 'saleStatus') return isSaleBack;
    return STOCK_FIELDS.has(field) ? isOlder.stock : isOlder.rest;
  };
  const kept = Object.entries(before).filter(([field]) => keeps(field));
  return { ...received, ...Object.fromEntries(kept) };
}

/**
 * The newest values of every product that a client has received. Put `take` between the network and a
 * normalised cache, which otherwise keeps the value that was written last.
 */
export class NewestProducts {
  readonly #known = new Map<string, Fields>();

  /** The data of an answer or a push, with the newest value in each field of its products. */
  take<Data>(data: Data): Data {
    if (Array.isArray(data)) return data.map((item: unknown) => this.take(item)) as Data;
    if (typeof data !== 'object' || data === null) return data;
    const taken = Object.fromEntries(
      Object.entries(data).map(([field, value]) => [field, this.take(value)]),
    );
    return (isProduct(taken) ? this.#takeProduct(taken) : taken) as Data;
  }

  #takeProduct(received: Fields & { readonly id: string }): Fields {
    const newest = newestOf(this.#known.get(received.id) ?? {}, received);
    this.#known.set(received.id, newest);
    return Object.fromEntries(Object.keys(received).map((field) => [field, newest[field]]));
  }
}

/** Without id, version and time of change two values cannot be compared: always select all three. */
function isProduct(fields: Fields): fields is Fields & { readonly id: string } {
  return (
    fields['__typename'] === 'Product' &&
    ['id', 'stockVersion', 'updatedAt'].every((field) => field in fields)
  );
}

function saleStep({ saleStatus }: Fields): number | undefined {
  return typeof saleStatus === 'string' ? SALE_STEPS[saleStatus] : undefined;
}

/** Compares two versions, or two instants in ISO 8601. A missing one is never less. */
function isLess(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number') return one < other;
  return typeof one === 'string' && typeof other === 'string' && one < other;
}
