import type { History } from './history.ts';
import { checkInstants } from './instants.ts';
import { checkKeys } from './keys.ts';
import { checkMoney } from './ledger.ts';
import { checkLimits } from './limits.ts';
import { checkAnswers, checkPurchases } from './purchases.ts';
import type { Rows } from './rows.ts';
import { checkStock } from './stock.ts';
import type { Violation } from './violation.ts';

/**
 * Compares a recorded history and the rows after it with every rule. The rows are read after all
 * deadlines have passed, sweeps have run and the inbox is settled. Empty where nothing is wrong.
 */
export function checkHistory(history: History, rows: Rows): Violation[] {
  return [
    ...checkAnswers(history),
    ...checkStock(history, rows),
    ...checkKeys(history, rows),
    ...checkInstants(history, rows),
    ...checkMoney(history, rows),
    ...checkLimits(rows),
    ...checkPurchases(history, rows),
  ];
}
