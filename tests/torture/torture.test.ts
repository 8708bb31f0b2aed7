import { checkHistory } from './checker/check.ts';
import { checkInstants } from './checker/instants.ts';
import { PLANTED_FAULTS } from './checker/planted-faults.ts';
import { FAULT_KINDS, faultsOf, taskOf } from './runner/plan.ts';
import { reportOf } from './runner/report.ts';
import { torture, type Run } from './runner/run.ts';

const OPTIONS = {
  seed: Number(process.env['TORTURE_SEED'] ?? 7),
  operations: 2500,
  servers: 2,
  faults: FAULT_KINDS.length,
};

/** A build, two starts and a restart on a machine that is busy with other tests. */
const RUN_MS = 240_000;

let run: Run;

beforeAll(async () => {
  run = await torture(OPTIONS);
}, RUN_MS);

test('thousands of calls under every kind of fault break no rule', () => {
  expect(run.violations.length === 0 ? '' : reportOf(run)).toBe('');
  expect(run.history.length).toBeGreaterThanOrEqual(OPTIONS.operations);
  expect(new Set(run.faults.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
  expect(reportOf(run)).toContain(`seed ${OPTIONS.seed}`);
});

test('the run meets every table and every kind of answer', () => {
  const { rows, history } = run;

  expect(rows.holds.length).toBeGreaterThan(100);
  expect(new Set(rows.orders.map(({ status }) => status))).toEqual(
    new Set(['PAID', 'CANCELLED', 'EXPIRED']),
  );
  expect(new Set(rows.events.map(({ status }) => status))).toEqual(
    new Set(['APPLIED', 'IGNORED', 'REFUND_REQUIRED']),
  );
  expect(rows.refunds.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['AMOUNT_MISMATCH', 'DUPLICATE_PAYMENT', 'ORDER_NEVER_CREATED']),
  );
  expect(new Set(history.map(({ answer }) => answer.kind)).size).toBe(3);
});

test.each(PLANTED_FAULTS)('a planted fault is found: $name', (fault) => {
  const planted = fault.plant(run);

  expect(planted).toBeDefined();
  const found = checkHistory(planted!.history, planted!.rows);
  expect(found.map((violation) => violation.rule)).toContain(fault.rule);
  const ofPurchases = found.filter((violation) => violation.rule === 'model');
  expect(ofPurchases.every(({ calls }) => calls.length > 0)).toBe(true);
});

test('a hold that was written before its call began is found', () => {
  const [first, ...others] = run.rows.holds;
  const early = { ...first!, createdAt: first!.createdAt - 60_000 };

  const found = checkInstants(run.history, { ...run.rows, holds: [early, ...others] });

  expect(found.map(({ message }) => message)).toEqual([expect.stringContaining(early.id)]);
});

test('one seed gives one sequence of decisions, another seed another', () => {
  const decisions = (seed: number) => ({
    tasks: Array.from({ length: 50 }, (_, number) => taskOf({ ...OPTIONS, seed }, number)),
    faults: faultsOf({ ...OPTIONS, seed }),
  });

  expect(decisions(1)).toEqual(decisions(1));
  expect(decisions(1)).not.toEqual(decisions(2));
});
