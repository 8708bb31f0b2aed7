import { beforeAll, beforeEach, afterEach } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildServer, builtProgram } from './server-process.ts';

/** The output and the exit code of a command. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command that goes on. */
export interface Started {
  readonly child: ChildProcess;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  /** Its standard output so far. */
  readonly out: () => string;
  /** Its standard error so far. */
  readonly err: () => string;
}

type Settings = Readonly<Record<string, string>>;

/** The built command line on one database, in a folder of the test without a `.env`. */
export interface CommandLine {
  /** Runs a command to its end, as a shell would. */
  readonly run: (args: readonly string[], settings?: Settings) => Promise<Ended>;
  /** Starts a command that goes on; it is killed at the end of the test at the latest. */
  readonly start: (args: readonly string[], settings?: Settings) => Started;
}

/** Gives each test of a file the command line. @param url gives the URL of the test's database */
export function useCommandLine(url: () => string): CommandLine {
  let folder: string;
  const started: ChildProcess[] = [];
  beforeAll(buildServer);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flash-sale-cli-'));
    chmodSync(folder, 0o755);
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const program = (settings: Settings) => {
    const { path, env } = builtProgram('cli', {
      DATABASE_URL: url(),
      DATA_DIR: folder,
      ...settings,
    });
    return { path, options: { cwd: folder, env, maxBuffer: 2 ** 26 } };
  };
  return {
    run(args, settings = {}) {
      const { path, options } = program(settings);
      return new Promise((resolve) => {
        execFile(process.execPath, [path, ...args], options, (error, out, err) =>
          resolve({ code: Number(error?.code ?? 0), out, err }),
        );
      });
    },
    start(args, settings = {}) {
      const { path, options } = program(settings);
      const child = spawn(process.execPath, [path, ...args], { ...options, stdio: 'pipe' });
      started.push(child);
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      const ended = once(child, 'exit').then(([code]) => code as number | null);
      return { child, ended, out: () => out, err: () => err };
    },
  };
}
