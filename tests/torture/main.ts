import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { reportOf } from './runner/report.ts';
import { torture } from './runner/run.ts';

/*
 * `npm run torture -- --operations N --servers N --seed S --faults N`: prints the seed first and the
 * report at the end. Exits with 1 where a violation is found.
 */

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '20000' },
    servers: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'string', default: '20' },
  },
});

const options = {
  operations: Number(values.operations),
  servers: Number(values.servers),
  seed: Number(values.seed),
  faults: Number(values.faults),
};

console.log(`seed ${options.seed}`);
try {
  const run = await torture(options);
  console.log(reportOf(run));
  process.exitCode = run.violations.length > 0 ? 1 : 0;
} catch (error) {
  console.error(`The run with seed ${options.seed} failed.`, error);
  process.exitCode = 1;
}
