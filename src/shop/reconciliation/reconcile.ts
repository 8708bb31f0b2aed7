import { auditStock } from './audit-stock.ts';
import { unwatched, type Progress } from '../../lib/progress.ts';
import { checkMoney } from './check-money.ts';
import type { Shop } from '../shop.ts';

/** What a reconciliation came to. */
export interface Reconciliation {
  /** Whether everything agrees now, what was repaired included. */
  readonly balanced: boolean;
  /** One sentence for each disagreement that was found, what was repaired included. */
  readonly findings: readonly string[];
  /** Products whose counters were put right. */
  readonly repaired: number;
}

/** Most findings told one by one, and a last one that says how many there are beyond. */
const FINDINGS_MAX = 500;

const PRODUCTS = 'select id from products order by id';

/** Holds movements, rows and counters of every product against each other, and orders against payments. */
export async function reconcile(shop: Pick<Shop, 'database'>): Promise<Reconciliation> {
  const { findings } = await findAll(shop);
  return { balanced: findings.length === 0, findings, repaired: 0 };
}

/** What does not agree. */
export interface Found {
  readonly findings: readonly string[];
  /** Products whose stock disagrees. */
  readonly unbalanced: readonly number[];
}

/** Compares everything, without changing anything. */
export async function findAll(
  shop: Pick<Shop, 'database'>,
  progress: Progress = unwatched,
): Promise<Found> {
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
