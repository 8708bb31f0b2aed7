import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { jest } from '@jest/globals';
import { filesLike, ROOT, textOf } from '../support/project.ts';

/*
 * The final text of each statement that `unitMove` builds, in unit-moves.md. A change of `unitMove` or of
 * one of its callers shows there as the SQL that Postgres will receive. To update the file:
 * UPDATE_DOCS=true npm run test:unit -- tests/unit/unit-moves.test.ts
 */

const FILE = 'tests/unit/unit-moves.md';

const { unitMove } = await import('../../src/shop/stock/unit-move.ts');

type UnitMove = Parameters<typeof unitMove>[0];

/** The statements by their titles. */
const statements = new Map<string, string>();

/** The files that call it. */
const callers = new Set<string>();

beforeAll(async () => {
  jest.unstable_mockModule('../../src/shop/stock/unit-move.ts', () => ({
    unitMove: recordingUnitMove,
  }));
  for (const file of filesLike('src/shop/**/*.ts')) await import(join(ROOT, file));
});

function recordingUnitMove(move: UnitMove): string {
  const text = unitMove(move);
  const caller = /src\/shop\/[\w/-]+\.ts/.exec(new Error('The caller').stack!)![0];
  const title = `${basename(caller)}: ${titleOf(move)}`;
  expect([...statements.keys()]).not.toContain(title);
  callers.add(caller);
  statements.set(title, indented(text));
  return text;
}

/** `SALE from held to sold`: the cause, and the counters that lose and gain units. */
function titleOf({ cause, buckets }: UnitMove): string {
  const partOf = (word: string, sign: 1 | -1): string[] => {
    const changed = Object.entries(buckets).filter(([, one]) => one === sign);
    return changed.length === 0 ? [] : [word, changed.map(([bucket]) => bucket).join(' and ')];
  };
  return [cause, ...partOf('from', -1), ...partOf('to', 1)].join(' ');
}

/** The text with each line indented by its open parentheses: it is assembled from several files. */
function indented(text: string): string {
  let depth = 0;
  const lines = text.split('\n').flatMap((line) => {
    const own = line.trim();
    if (own === '') return [];
    const indent = '  '.repeat(own.startsWith(')') ? depth - 1 : depth);
    depth += own.split('(').length - own.split(')').length;
    return [`${indent}${own}`];
  });
  return lines.join('\n');
}

test('each file of src that imports unitMove has its statements here', () => {
  const importing = filesLike('src/**/*.ts').filter((file) =>
    /import \{[^}]*\bunitMove\b[^}]*\} from/.test(textOf(file)),
  );

  expect([...callers].toSorted()).toEqual(importing);
  expect(importing.length).toBeGreaterThan(5);
});

test('unit-moves.md has the SQL of each statement (to update it: UPDATE_DOCS=true)', () => {
  const sections = [...statements]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([title, text]) => `\n## ${title}\n\n\`\`\`sql\n${text}\n\`\`\`\n`);
  const document = `# The statements of unitMove\n${sections.join('')}`;
  if (process.env['UPDATE_DOCS'] === 'true') writeFileSync(join(ROOT, FILE), document);

  expect(textOf(FILE)).toBe(document);
});
