/** Asserts a condition of our own code. @throws Error if it is false, which rolls the transaction back */
export function invariant(holds: boolean, description: string): asserts holds {
  if (!holds) throw new Error(`Invariant broken: ${description}`);
}
