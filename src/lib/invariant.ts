/** Says what must be so. A broken invariant is our bug: it throws, and the transaction dies with it. */
export function invariant(holds: boolean, whatMustBeSo: string): asserts holds {
  if (!holds) throw new Error(`Invariant broken: ${whatMustBeSo}`);
}
