import { frameOf } from '../../src/commands/status.ts';

test('a terminal shows a look in place of the last one', () => {
  expect(frameOf('one\ntwo', true)).toBe('\u001b[H\u001b[Jone\ntwo');
});

test('other readers get each look as a block with an empty line after it', () => {
  expect(frameOf('one\ntwo', false)).toBe('one\ntwo\n');
});
