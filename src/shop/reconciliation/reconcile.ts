import { auditStock } from './audit-stock.ts';
import { checkMoney } from './check-money.ts';
import type { Shop } from '../shop.ts';

/** Called repeatedly during long work with the finished part and the total. */
export type Progress = (done: number, total: number) => void;

/** Reports nothing. */
export const noProgress: Progress = () => {};

/** The result of a reconciliation. */
export interface Reconciliation {
  /** Whether everything agrees, after the repair. */
  readonly balanced: boolean;
  /** One sentence for each discrepancy, the repaired ones included. */
  readonly findings: readonly string[];
  /** Products whose counters were repaired. */
  readonly repaired: number;
}

/** Maximum findings; one more gives the number of the others. */
const FINDINGS_MAX = 500;

const PRODUCTS = 'select id from products order by id';

/** Checks that the movements, rows and counters of every product agree, and orders with payments. */
export async function reconcile(shop: Pick<Shop, 'database'>): Promise<Reconciliation> {
  const { findings } = await findDiscrepancies(shop);
  return { balanced: findings.length === 0, findings, repaired: 0 };
}

/** Everything that does not agree. */
export interface Discrepancies {
  readonly findings: readonly string[];
  /** Products whose stock disagrees. */
  readonly unbalanced: readonly number[];
}

/** Compares everything and changes nothing. `progress` is called for each product. */
export async function findDiscrepancies(
  shop: Pick<Shop, 'database'>,
  progress: Progress = noProgress,
): Promise<Discrepancies> {
  const findings: string[] = [];
  const unbalanced: number[] = [];
  const products = await shop.database.rows<{ id: number }>(PRODUCTS, []);
  for (const [index, { id }] of products.entries()) {
    progress(index, products.length);
    const { findings: found } = (await auditStock(shop, id)) ?? NO_STOCK;
    if (found.length === 0) continue;
    unbalanced.push(id);
    findings.push(...found.map((finding) => `Product ${id}: ${finding}`));
  }
  progress(products.length, products.length);
  findings.push(...(await checkMoney(shop)));
  return { findings: upToMax(findings), unbalanced };
}

const NO_STOCK = { findings: ['The product has no stock row.'] } as const;

function upToMax(findings: readonly string[]): readonly string[] {
  const beyond = findings.length - FINDINGS_MAX;
  return beyond <= 0 ? findings : [...findings.slice(0, FINDINGS_MAX), `And ${beyond} more.`];
}
