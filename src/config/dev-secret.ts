import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A secret that this machine keeps for development. */
export interface KeptSecret {
  readonly secret: string;
  /** Whether its owner has not been shown it yet. */
  readonly isNew: boolean;
}

/** The secret of this name: made at the first call and kept in the folder, readable by its owner alone. */
export function loadOrCreateDevSecret(folder: string, name: string): KeptSecret {
  const file = join(resolve(folder), name);
  mkdirSync(resolve(folder), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(draft, secret, { mode: 0o600 });
  try {
    // A link appears whole or not at all, and only once: of two servers that start together one wins.
    linkSync(draft, file);
    return { secret, isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { secret: readKept(file), isNew: !existsSync(shownFile(folder, name)) };
  } finally {
    rmSync(draft);
  }
}

function readKept(file: string): string {
  const secret = readFileSync(file, 'utf8').trim();
  if (secret === '') throw new Error(`${file} is empty: delete it, and a new secret is made.`);
  return secret;
}

/** Remembers that the secret's owner was shown it: whoever makes it need not be who shows it. */
export function markSecretPrinted(folder: string, name: string): void {
  writeFileSync(shownFile(folder, name), '');
}

const shownFile = (folder: string, name: string): string => join(resolve(folder), `${name}.shown`);
