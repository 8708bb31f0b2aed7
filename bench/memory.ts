import { existsSync, readFileSync } from 'node:fs';

/** How often memory is looked at while it is watched. */
const LOOK_MS = 100;

/** Megabytes that a process has in memory; NaN where there is no /proc to tell. */
function residentMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return NaN;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))![1]) / 1024;
}

/** Runs something and gives what a process had in memory meanwhile, in megabytes, in order. */
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
