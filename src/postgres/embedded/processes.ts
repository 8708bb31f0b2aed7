import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// Elsewhere than on Linux a process can be asked only whether it lives, not which one it is. Then we
// leave a leftover postmaster.pid to PostgreSQL's own, more careful judgement.
const HAS_PROC = existsSync('/proc/self/stat');

// As long as a start may wait for a dead server's database: see LOCK_WAIT_MS in the supervisor.
const STRAY_LIMIT_MS = 15_000;

/**
 * The start time of the process with this id, or undefined where no process has the id. Ids are used
 * again, in a restarted container even at once; the pair of id and start time is not. A zombie counts
 * as ended.
 */
export function lifeOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  if (!HAS_PROC) return 'unknown';
  // proc_pid_stat(5): after the name, which may hold anything, state is the 1st field, start the 20th.
  const stat = readOr(`/proc/${pid}/stat`, '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** True when a live postmaster serves this cluster. It needs a /proc; without one it says false. */
export function hasPostmaster(cluster: string): boolean {
  const pid = postmasterPid(cluster);
  return pid !== undefined && isPostmaster(pid, cluster);
}

/**
 * Ends a postmaster whose keeper was killed, cleanly, and removes the trace of one that has ended. For
 * the holder of the folder's lock. Other callers must name the process that they started (`only`),
 * because the postmaster found may belong to another server.
 */
export async function endStrayPostmaster(cluster: string, only?: number): Promise<void> {
  const pid = postmasterPid(cluster);
  if (pid === undefined || (only !== undefined && pid !== only)) return;
  if (!isPostmaster(pid, cluster)) {
    // PostgreSQL would refuse to start if any process of the same user has got this id since.
    if (HAS_PROC) rmSync(join(cluster, 'postmaster.pid'), { force: true });
    return;
  }
  const giveUpAt = performance.now() + STRAY_LIMIT_MS;
  process.kill(pid, 'SIGINT');
  while (isPostmaster(pid, cluster)) {
    if (performance.now() > giveUpAt) throw new Error(`PostgreSQL, process ${pid}, will not end.`);
    await delay(20);
  }
}

function postmasterPid(cluster: string): number | undefined {
  const pid = Number.parseInt(readOr(join(cluster, 'postmaster.pid'), ''), 10);
  return pid > 0 ? pid : undefined;
}

/** By its command line, which anybody may read; the working folder, for one, root in Docker may not. */
function isPostmaster(pid: number, cluster: string): boolean {
  const words = readOr(`/proc/${pid}/cmdline`, '').split('\0');
  return words[0]?.endsWith('/postgres') === true && words[words.indexOf('-D') + 1] === cluster;
}

function readOr(file: string, fallback: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}
