/** What Node's report says of the limits that the system sets a process. */
interface Report {
  readonly userLimits?: { readonly open_files: { readonly soft: number | 'unlimited' } };
}

/**
 * How many files this process may have open at once, connections among them; Infinity where the system
 * sets no limit or tells of none. Node raises its own to the hard one when it starts.
 */
export function openFilesMax(): number {
  const { userLimits } = process.report.getReport() as Report;
  const soft = userLimits?.open_files.soft;
  return typeof soft === 'number' ? soft : Infinity;
}
