// Reads jest's reports for `.ci/run`: `count` prints the tests of the first report with the files of the
// second, which ran again, in place of their first results; `failed` prints the files that failed.
const { existsSync, readFileSync } = require('node:fs');
const { relative } = require('node:path');

const [act, ...paths] = process.argv.slice(2);

/** The tests of each file. A file that could not be run has no tests to count: it counts as one that failed. */
function resultsOf(path) {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
  return testResults.map(({ name, status, assertionResults }) => {
    const countOf = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
    const failed = countOf('failed');
    const couldNotRun = status === 'failed' && failed === 0;
    return [name, { passed: countOf('passed'), failed: couldNotRun ? 1 : failed }];
  });
}

const files = new Map(paths.filter((path) => existsSync(path)).flatMap(resultsOf));
if (act === 'failed') {
  for (const [name, { failed }] of files) if (failed > 0) console.log(relative('.', name));
} else {
  const sumOf = (key) => [...files.values()].reduce((sum, counts) => sum + counts[key], 0);
  console.log(`${sumOf('passed')} passed, ${sumOf('failed')} failed`);
}
