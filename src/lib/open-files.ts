/** The part of Node's report with the process limits. */
interface Report {
  readonly userLimits?: { readonly open_files: { readonly soft: number | 'unlimited' } };
}

/**
 * Most files that this process may have open at once, including connections; Infinity if the system
 * sets or reports no limit. Node raises its soft limit to the hard limit at its start.
 */
export function openFilesMax(): number {
  const { userLimits } = process.report.getReport() as Report;
  const soft = userLimits?.open_files.soft;
  return typeof soft === 'number' ? soft : Infinity;
}
