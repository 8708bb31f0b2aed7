import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/* An older Node reads this file too, before it is refused. Its syntax must be that of Node 14. */

/** The oldest Node that the ORM supports. The project installs a newer one on Linux x64. */
const NODE_MIN = [22, 17] as const;

/** The complaint about the running Node; undefined if it is new enough. */
export function nodeComplaint(): string | undefined {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]);
  if (!isOld) return undefined;
  return `This is Node ${process.versions.node}; start with Node ${NODE_MIN.join('.')} or newer.`;
}

/** The version of this build, as package.json has it. */
export const VERSION: string = versionAbove(fileURLToPath(new URL('.', import.meta.url)));

/** Searched upwards, because the built files are one folder deeper than the source. */
function versionAbove(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) {
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
    return version;
  }
  const parent = dirname(folder);
  return parent === folder ? 'unknown' : versionAbove(parent);
}
