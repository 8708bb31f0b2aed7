import { existsSync, readFileSync } from 'node:fs';

/** The interval between two samples of memory. */
const LOOK_MS = 100;

/** Resident memory of a process, in megabytes; NaN on systems without /proc. */
function residentMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return NaN;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))![1]) / 1024;
}

/**
 * Runs a function; returns its result and samples of a process's memory during it, in megabytes, in
 * order.
 */
export async function watchMemory<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly residentMbs: readonly number[] }> {
  const residentMbs: number[] = [];
  const looking = setInterval(() => residentMbs.push(residentMb(pid)), LOOK_MS);
  try {
    return { result: await work(), residentMbs };
  } finally {
    clearInterval(looking);
  }
}
