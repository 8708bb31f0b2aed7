import { filesLike, textOf } from '../support/project.ts';

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
  /\bthose wh[o]\b/gi,
  /\bwho (?:come|leave|wait|ask|bu[y]|act|look|subscribe|sell)[s]?\b/gi,
  /\bfor eve[r]\b/gi,
  /\bfor goo[d]\b/gi,
  /\bstand[s]\b/gi,
  /\b(?:over)?hea[r](?:s|d)?\b/gi,
  /\bspea[k]s?\b/gi,
  /\bknow[s]\b/gi,
  /\bwant[s]?\b/gi,
  /\bwaits? ou[t]\b/gi,
  /\bmeanwhil[e]\b/gi,
  /\bhowever (?:man[y]|lon[g])\b/gi,
  /\b(?:what|which|wher)eve[r]\b/gi,
  /\b(?:come|came|go|goe|gone|went|give|gave|given)s? (?:bac[k]|agai[n]|u[p])\b/gi,
  /\bturned (?:awa[y]|dow[n])\b/gi,
  /\bby itsel[f]\b/gi,
  /\bwithout a wor[d]\b/gi,
  /\blate mone[y]\b/gi,
  /\blets? g[o]\b/gi,
  /\brider[s]?\b/gi,
  /\balik[e]\b/gi,
  /\bmende[d]\b/gi,
  /\b(?:bor[n]|guilt[y])\b/gi,
  /\b(?:henc[e]|therei[n]|thereo[f]|thereb[y]|whenc[e])\b/gi,
  /\b(?:hi[s]|himsel[f])\b/gi,
];

const FILES = filesLike(
  '{src,tests,bench,docs,web,ops}/**/*.{ts,tsx,mjs,md,yml,graphql}',
  'ops/*.json',
  '*.{md,graphql,ts}',
).filter(
  // The glossary names the words it replaces; released migrations and the contract never change.
  (file) => !/^docs\/glossary\.md$|^src\/migrations\/|^tests\/project\/contract\//.test(file),
);

test('no file has a banned phrase', () => {
  const found = FILES.map((file) => ({ file, phrases: phrasesIn(textOf(file)) }));

  expect(found.filter(({ phrases }) => phrases.length > 0)).toEqual([]);
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
