import { isSameMetadata, metadataComplaint } from '../../src/shop/purchases/metadata.rules.ts';

const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, 'value']));

test.each([
  ['no entry', {}],
  ['20 entries', entries(20)],
  ['every character of a key', { 'aZ09_.-': '' }],
  ['a key of 40 characters', { ['k'.repeat(40)]: 'value' }],
  ['a value of 500 characters', { note: '𝄞'.repeat(500) }],
  ['a value with line breaks', { note: 'one\ntwo\r\nthree' }],
  ['the name of a property of every object', { constructor: 'x', toString: 'y' }],
])('metadata with %s is accepted', (_what, metadata) => {
  expect(metadataComplaint(metadata as Record<string, string>)).toBeUndefined();
});

test.each([
  ['21 entries', entries(21), /21 entries.*at most 20/],
  ['an empty key', { '': 'x' }, /1 to 40/],
  ['a key of 41 characters', { ['k'.repeat(41)]: 'x' }, /1 to 40/],
  ['a key with a space', { 'a b': 'x' }, /letters, digits/],
  ['a key with a line break at its end', { 'a\n': 'x' }, /letters, digits/],
  ['the key __proto__', JSON.parse('{"__proto__":"x"}'), /is __proto__/],
  ['a value of 501 characters', { note: 'x'.repeat(501) }, /more than 500/],
  ['a value with NUL', { note: 'a\0b' }, /NUL/],
  ['a value with a lone surrogate', { note: '\ud800' }, /surrogate/],
])('metadata with %s is refused by name', (_what, metadata, complaint) => {
  expect(metadataComplaint(metadata)).toMatch(complaint);
});

test('two metadata are the same by their entries, not by the order of their keys', () => {
  expect(isSameMetadata({ a: '1', b: '2' }, { b: '2', a: '1' })).toBe(true);
  expect(isSameMetadata({ a: '1' }, { a: '1', b: '2' })).toBe(false);
  expect(isSameMetadata({ a: '1', b: '2' }, { a: '1' })).toBe(false);
  expect(isSameMetadata({ a: '1' }, { a: '2' })).toBe(false);
  expect(isSameMetadata({ toString: '1' }, { a: '1' })).toBe(false);
});
