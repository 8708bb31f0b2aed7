import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesLike, ROOT, textOf } from '../support/project.ts';

/** Phrases that docs/glossary.md replaces by standard terms. Written as patterns, so that none matches itself. */
const BANNED: readonly RegExp[] = [
  /\bstands? s[o]\b/gi,
  /\bopen(?:s|ed)? nothin[g]\b/gi,
  /\bno[t] had\b/gi,
  /\bhad in tim[e]\b/gi,
  /\b(?:tel[l]|tel[l]s|tel[l]ing|tol[d])\b/gi,
  /\b(?:tel[l]|tol[d])(?=[A-Z])/g,
  /\bane[w]\b/gi,
  /\bafres[h]\b/gi,
  /\b(?:who[e]ver|no[b]ody|some[b]ody)\b/gi,
  /\bjud[g](?:e|ed|es|ing)\b/gi,
  /\b(?:im)?patien(?:ce|t[l]y)\b/gi,
  /\btire[d]\b/gi,
  /\bgoodby[e]\b/gi,
  /\bgreetin[g]s?\b/gi,
  /\bdoor[s]?\b/gi,
  /\bin the wrong roo[m]\b/gi,
  /\bthe la[w]\b/gi,
  /\bthe hous[e]\b/gi,
  /\bclockwor[k]\b/gi,
  /\bnotice lin[e]\b/gi,
  /\bso man[y]\b/gi,
  /\b[Oo]perator[s]?\b/g,
  /\blane[s]?\b/gi,
  /\bone wh[o]\b/gi,
];

/** The number of banned phrases that each file may still have. Counts may only decrease. */
const ALLOWED = 'tests/project/words.allowed.json';

const FILES = filesLike(
  '{src,tests,bench,docs,web,ops}/**/*.{ts,tsx,mjs,md,yml,graphql}',
  'ops/*.json',
  '*.{md,graphql,ts}',
).filter(
  // The glossary names the words it replaces; released migrations and the contract never change.
  (file) => !/^docs\/glossary\.md$|^src\/migrations\/|^tests\/project\/contract\//.test(file),
);

const counts = Object.fromEntries(
  FILES.map((file): [string, number] => [file, phrasesIn(textOf(file)).length]).filter(
    ([, count]) => count > 0,
  ),
);

test('no file has more banned phrases than words.allowed.json allows', () => {
  const allowed = JSON.parse(textOf(ALLOWED)) as Record<string, number>;
  const added = Object.entries(counts).filter(([file, count]) => count > (allowed[file] ?? 0));
  if (process.env['UPDATE_WORDS'] === 'true') writeFileSync(join(ROOT, ALLOWED), lowered(allowed));

  expect(added.map(([file]) => ({ file, phrases: phrasesIn(textOf(file)) }))).toEqual([]);
});

test('the banned phrases match whole words only', () => {
  const [phrase, plural] = ['the l' + 'aw', 'LAN' + 'ES'];

  expect(phrasesIn(`${phrase} of all ${plural}, as t${'ell'}Hold says`)).toEqual([
    `t${'ell'}`,
    phrase,
    plural,
  ]);
  expect(phrasesIn('an intelligent adoor operator_acts OPERATOR')).toEqual([]);
});

function phrasesIn(text: string): string[] {
  return BANNED.flatMap((phrase) => text.match(phrase) ?? []);
}

/** The allowed counts, lowered to the current ones. */
function lowered(allowed: Readonly<Record<string, number>>): string {
  const entries = Object.entries(allowed)
    .map(([file, count]): [string, number] => [file, Math.min(count, counts[file] ?? 0)])
    .filter(([, count]) => count > 0);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}
