import { jest } from '@jest/globals';
import { isUuid, newId } from '../../src/lib/ids.ts';

test('ids are different UUIDs that sort in the order of their creation', () => {
  const ids = Array.from({ length: 20_000 }, () => newId());

  expect(ids.every(isUuid)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
});

test('ids stay in order when the clock is set back', () => {
  const clock = jest.spyOn(Date, 'now');
  try {
    clock.mockReturnValue(Date.parse('2100-01-01T00:00:00Z'));
    const before = newId();
    clock.mockReturnValue(Date.parse('2099-01-01T00:00:00Z'));

    expect(newId() > before).toBe(true);
  } finally {
    clock.mockRestore();
  }
});
