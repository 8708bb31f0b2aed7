import { compare } from '../../src/rehearsal/report/compare.ts';
import { htmlOf } from '../../src/rehearsal/report/html.ts';
import type { RehearsalResult } from '../../src/rehearsal/report/result.ts';
import { tableOf, textOf } from '../support/project.ts';

const result = JSON.parse(textOf('docs/rehearsal/report.json')) as RehearsalResult;

const whole = (figure: number): string => Math.round(figure).toLocaleString('en-US');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const holds = result.calls.find(({ operation }) => operation === 'createHold')!;
const refused = result.endings['sold out'];

test('the report in the tree is of 10,000 buyers on 500 units with 3 servers, and it passed', () => {
  expect(result.options).toMatchObject({ buyers: 10_000, units: 500, servers: 3 });
  expect(result.verdict).toMatchObject({ passed: true, findings: [] });
  expect(result.final.audit).toEqual({ balanced: true, findings: [] });
  expect(result.claimedMax).toBeLessThanOrEqual(500);
  expect(Object.values(result.endings).reduce((sum, count) => sum + count, 0)).toBe(10_000);
});

test('docs/rehearsal.md quotes that report', () => {
  expect(tableOf(textOf('docs/rehearsal.md'), 'figure')).toEqual([
    ['units sold, of 500', whole(result.final.stock.sold)],
    ['most units that buyers had at one moment', whole(result.claimedMax)],
    ['no unit available for the first time after', seconds(result.soldOutAtMs!)],
    ['buyers that found none, each with the reason', whole(refused)],
    ['calls of createHold', whole(holds.count)],
    ['createHold: p50 / p99', `${whole(holds.p50)} / ${whole(holds.p99)} ms`],
    ['payments to send back', whole(result.final.openRefunds)],
  ]);
});

test('the report in the tree has the present format and the form that its data give', () => {
  expect(textOf('docs/rehearsal/report.html')).toBe(htmlOf(result));
  expect(compare(result, result).every(({ first, second }) => first === second)).toBe(true);
});
