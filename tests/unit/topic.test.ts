import { Topic } from '../../src/live/topic.ts';

test('a value reaches every listener of its key and no other', () => {
  const topic = new Topic<string, number>();
  const received: string[] = [];
  topic.subscribe('a', (value) => received.push(`first a ${value}`));
  topic.subscribe('a', (value) => received.push(`second a ${value}`));
  topic.subscribe('b', (value) => received.push(`b ${value}`));

  topic.publish('a', 1);
  topic.publish('c', 2);

  expect(received).toEqual(['first a 1', 'second a 1']);
});

test('a listener that unsubscribed receives nothing more, the others do', () => {
  const topic = new Topic<string, number>();
  const received: string[] = [];
  const unsubscribe = topic.subscribe('a', (value) => received.push(`first ${value}`));
  topic.subscribe('a', (value) => received.push(`second ${value}`));

  topic.publish('a', 1);
  unsubscribe();
  topic.publish('a', 2);

  expect(received).toEqual(['first 1', 'second 1', 'second 2']);
});

test('a key without listeners uses no memory', () => {
  const topic = new Topic<string, number>();

  const leaves = ['a', 'a', 'b'].map((key) => topic.subscribe(key, () => {}));
  const listened = topic.keys();
  leaves[0]!();
  const half = [topic.has('a'), topic.has('b')];
  leaves[1]!();
  leaves[2]!();

  expect(listened).toEqual(['a', 'b']);
  expect(half).toEqual([true, true]);
  expect(topic.keys()).toEqual([]);
  expect(topic.has('a')).toBe(false);
});

test('a second unsubscribe does not remove listeners that subscribed after the first', () => {
  const topic = new Topic<string, number>();
  const received: number[] = [];
  const unsubscribe = topic.subscribe('a', () => {});

  unsubscribe();
  topic.subscribe('a', (value) => received.push(value));
  unsubscribe();
  topic.publish('a', 1);

  expect(received).toEqual([1]);
  expect(topic.keys()).toEqual(['a']);
});

test('a listener may unsubscribe while it receives a value', () => {
  const topic = new Topic<string, number>();
  const received: string[] = [];
  const unsubscribe = topic.subscribe('a', (value) => {
    received.push(`once ${value}`);
    unsubscribe();
  });
  topic.subscribe('a', (value) => received.push(`always ${value}`));

  topic.publish('a', 1);
  topic.publish('a', 2);

  expect(received).toEqual(['once 1', 'always 1', 'always 2']);
});
