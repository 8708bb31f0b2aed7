/** A cell of a CSV file. */
export type Cell = string | number | null;

/** The first characters by which a spreadsheet program takes a text for a formula. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * One record of a CSV file by RFC 4180, its line end included. A text that a spreadsheet program would
 * execute as a formula gets an apostrophe in front: buyers and providers choose some of the texts.
 */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
