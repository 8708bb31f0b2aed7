import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Setting } from './kinds.ts';

/** The texts of the settings, and the problems of their sources. */
export interface Sources {
  /** The texts of the settings that are set and readable, by name. */
  readonly texts: ReadonlyMap<string, string>;
  /** Complaints about the sources. */
  readonly complaints: readonly string[];
  /** Settings whose text could not be read; their complaint is in the list. */
  readonly unreadable: ReadonlySet<string>;
}

type Settings = Readonly<Record<string, Setting>>;

/**
 * Reads the texts of all settings from the environment, then from `.env`. Either can name a secret's
 * file with `NAME_FILE`. A complaint never contains a value, which may be a secret.
 */
export function readSources(settings: Settings, environment: Place, envFile: string): Sources {
  const { values, complaints } = readEnvFile(settings, envFile);
  const texts = new Map<string, string>();
  const unreadable = new Set<string>();
  for (const [name, { fromFile }] of Object.entries(settings)) {
    const { text, why } = findText(name, fromFile, [environment, values]);
    if (why !== undefined) {
      complaints.push(`${fileOf(name)} ${why}.`);
      unreadable.add(name);
    } else if (text !== '') texts.set(name, text);
  }
  return { texts, complaints, unreadable };
}

type Place = Readonly<Record<string, string | undefined>>;

/** A setting's text from the first source that has it or its file; '' if it is not set. */
function findText(name: string, fromFile: Setting['fromFile'], places: readonly Place[]): Text {
  const found = places
    .map((place) => ({
      text: place[name] ?? '',
      path: (fromFile && place[fileOf(name)]) ?? '',
    }))
    .find(({ text, path }) => text !== '' || path !== '');
  if (found === undefined || found.path === '') return { text: found?.text ?? '' };
  if (found.text !== '') return { why: `and ${name} are both set: set one of them` };
  return readSecret(found.path, fromFile === 'list');
}

const fileOf = (name: string): string => `${name}_FILE`;

/** The `export` of shell files. parseEnv accepts it only with one space. */
const EXPORT = /^[ \t]*export[ \t]+(?=[^\s=#]+[ \t]*=)/gm;

/** One assignment: its name, a value in quotes that may have several lines, and the rest of the line. */
const ASSIGNMENT = /^[ \t]*([^\s=#]+)[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`)?([^\n]*)$/gm;

function readEnvFile(settings: Settings, envFile: string) {
  const file = readText(envFile);
  if (file.why === MISSING) return { values: {}, complaints: [] };
  if (file.why !== undefined) return { values: {}, complaints: [`${envFile} is ${file.why}.`] };
  const text = file.text.replaceAll(/\r\n?/g, '\n').replaceAll(EXPORT, '');
  const values: Place = parseEnv(text);
  const isKnown = (name: string): boolean =>
    Object.hasOwn(settings, name) ||
    Object.entries(settings).some(([known, { fromFile }]) => fromFile && fileOf(known) === name);
  return {
    values,
    complaints: [
      ...linesThatAssignNothing(text).map(
        (line) => `Line ${line} of ${envFile} is not NAME=value.`,
      ),
      ...Object.keys(values)
        .filter((name) => !isKnown(name))
        .map((name) => `${name} in ${envFile} is not a setting.`),
      ...[...text.matchAll(ASSIGNMENT)]
        .filter(([, , rest]) => /^["'`]/.test(rest!))
        .map(([, name]) => `${name} in ${envFile} has a quotation mark that is not closed.`),
    ],
  };
}

/** The numbers of lines that are neither an assignment, a comment nor empty. parseEnv skips them silently. */
function linesThatAssignNothing(text: string): number[] {
  const others = text.replaceAll(ASSIGNMENT, (match) => match.replaceAll(/[^\n]/g, ''));
  return others.split('\n').flatMap((line, index) => (/^\s*(#|$)/.test(line) ? [] : [index + 1]));
}

type Text =
  | { readonly text: string; readonly why?: undefined }
  | { readonly text?: undefined; readonly why: string };

/** Reads a secret from its file, without the final line break. The lines of a list are joined by commas. */
function readSecret(path: string, isList: boolean): Text {
  const file = readText(path.trim());
  if (file.why !== undefined) return { why: `names ${file.why}` };
  const text = file.text.trim();
  if (text === '') return { why: 'names an empty file' };
  return { text: isList ? text.replaceAll(/[\r\n]+/g, ',') : text };
}

/** Larger than any list of secrets. A wrong path may name a huge file. */
const FILE_BYTES_MAX = 64 * 1024;

const MISSING = 'a file that does not exist';

function readText(path: string): Text {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return { why: 'a directory, not a file' };
    // A pipe can be read only once, but every worker process reads the settings.
    if (!stats.isFile()) return { why: 'something that is not a regular file' };
    if (stats.size > FILE_BYTES_MAX) return { why: 'a file of more than 64 KiB' };
    return { text: decode(readFileSync(path)) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { why: MISSING };
    if (code === 'EACCES') return { why: 'a file that this process may not read' };
    return { why: `a file that cannot be read (${code})` };
  }
}

/** Decodes by the byte-order mark, else as UTF-8: Windows editors and shells write all three encodings. */
function decode(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[mark] ?? 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
