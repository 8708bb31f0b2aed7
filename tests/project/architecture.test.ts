import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, textOf } from '../support/project.ts';

const DOC = textOf('docs/architecture.md');

/** The files that a piece of the document names. */
const filesIn = (text: string): string[] => text.match(/\bsrc\/[\w./-]+\.ts\b/g) ?? [];

/** The numbered steps under a heading. */
function stepsOf(heading: string): string[] {
  const section = DOC.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section.split('\n').filter((line) => /^\d+\. /.test(line));
}

test('every file that docs/architecture.md names exists', () => {
  const files = filesIn(DOC);

  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

test.each([
  'One createHold, from the socket to the row',
  'One webhook, from the socket to the row',
])('docs/architecture.md walks through at most 15 files, one a step, in "%s"', (heading) => {
  const steps = stepsOf(heading);

  expect(steps.length).toBeGreaterThan(5);
  expect(steps.length).toBeLessThanOrEqual(15);
  expect(steps.filter((step) => filesIn(step).length !== 1)).toEqual([]);
});

test('docs/architecture.md names the layers that the layer rules check', () => {
  const rules = textOf('.dependency-cruiser.mjs');
  const namesOf = (list: string): string[] =>
    [...new RegExp(`${list} = \\[([^\\]]*)\\]`).exec(rules)![1]!.matchAll(/'(\w+)'/g)].map(
      ([, name]) => name!,
    );

  expect(DOC).toContain(`\`${namesOf('LAYERS').join(' ← ')}\``);
  expect(DOC).toContain(`\`${namesOf('MODULES').join(' ← ')}\``);
});
