import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A development secret, stored in DATA_DIR. */
export interface DevSecret {
  readonly secret: string;
  /** Whether the secret has not been printed yet. */
  readonly isNew: boolean;
}

/** Loads the secret of this name, or creates it at the first call. Only its owner can read the file. */
export function loadOrCreateDevSecret(folder: string, name: string): DevSecret {
  const file = join(resolve(folder), name);
  mkdirSync(resolve(folder), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(draft, secret, { mode: 0o600 });
  try {
    // link() is atomic and fails if the file exists, so two servers that start together share one secret.
    linkSync(draft, file);
    return { secret, isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { secret: readSecret(file), isNew: !existsSync(printedFile(folder, name)) };
  } finally {
    rmSync(draft);
  }
}

function readSecret(file: string): string {
  const secret = readFileSync(file, 'utf8').trim();
  if (secret === '')
    throw new Error(`${file} is empty. Delete it; the next start creates a new secret.`);
  return secret;
}

/** Records that the secret was printed. The process that creates a secret may not be the one that prints it. */
export function markSecretPrinted(folder: string, name: string): void {
  writeFileSync(printedFile(folder, name), '');
}

const printedFile = (folder: string, name: string): string =>
  join(resolve(folder), `${name}.shown`);
