import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** CPU time used so far, in seconds: by a server's own processes and by its database's. */
export interface CpuSeconds {
  readonly server: number;
  readonly postgres: number;
}

/** The kernel's unit in /proc; a hundredth of a second on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly ticks: number;
  /** CPU time of its children that have ended. */
  readonly endedTicks: number;
}

/** CPU time of a server and its descendants; undefined on systems without /proc. */
export function cpuSeconds(serverPid: number): CpuSeconds | undefined {
  if (!existsSync('/proc/self/stat')) return undefined;
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const of = (pid: number): Process[] =>
    (children.get(pid) ?? []).flatMap((child) => [child, ...of(child.pid)]);
  const self = readProcess(serverPid);
  const family = self === undefined ? [] : [self, ...of(serverPid)];
  const sum = (isPostgres: boolean): number =>
    family
      .filter(({ name }) => (name === 'postgres') === isPostgres)
      // Sessions and autovacuum workers that came and went count with the process that started them.
      .reduce((ticks, one) => ticks + one.ticks + (isPostgres ? one.endedTicks : 0), 0) /
    TICKS_A_SECOND;
  return { server: sum(false), postgres: sum(true) };
}

/** CPU time of one process in seconds, without its children; undefined where it cannot be read. */
export function processCpuSeconds(pid: number): number | undefined {
  const read = existsSync('/proc/self/stat') ? readProcess(pid) : undefined;
  return read === undefined ? undefined : read.ticks / TICKS_A_SECOND;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => readProcess(Number(pid)) ?? []);
}

function readProcess(pid: number): Process | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // The process ended during the read.
    return undefined;
  }
  // `pid (name) state ppid …`: a name may have spaces and brackets of its own; see proc(5).
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat
    .slice(nameEnd + 2)
    .split(' ')
    .map(Number);
  return {
    pid,
    parent: fields[1]!,
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    ticks: fields[11]! + fields[12]!,
    endedTicks: fields[13]! + fields[14]!,
  };
}
