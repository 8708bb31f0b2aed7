import { Topic } from '../../src/live/topic.ts';

test('a value reaches every listener of its key and no other', () => {
  const topic = new Topic<string, number>();
  const heard: string[] = [];
  topic.subscribe('a', (value) => heard.push(`first a ${value}`));
  topic.subscribe('a', (value) => heard.push(`second a ${value}`));
  topic.subscribe('b', (value) => heard.push(`b ${value}`));

  topic.publish('a', 1);
  topic.publish('c', 2);

  expect(heard).toEqual(['first a 1', 'second a 1']);
});

test('who has left hears nothing more, and the others do', () => {
  const topic = new Topic<string, number>();
  const heard: string[] = [];
  const leave = topic.subscribe('a', (value) => heard.push(`first ${value}`));
  topic.subscribe('a', (value) => heard.push(`second ${value}`));

  topic.publish('a', 1);
  leave();
  topic.publish('a', 2);

  expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
});

test('a key costs nothing once no one listens to it', () => {
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

test('leaving twice does not send away those who came between', () => {
  const topic = new Topic<string, number>();
  const heard: number[] = [];
  const leave = topic.subscribe('a', () => {});

  leave();
  topic.subscribe('a', (value) => heard.push(value));
  leave();
  topic.publish('a', 1);

  expect(heard).toEqual([1]);
  expect(topic.keys()).toEqual(['a']);
});

test('a listener may leave while it is told', () => {
  const topic = new Topic<string, number>();
  const heard: string[] = [];
  const leave = topic.subscribe('a', (value) => {
    heard.push(`once ${value}`);
    leave();
  });
  topic.subscribe('a', (value) => heard.push(`always ${value}`));

  topic.publish('a', 1);
  topic.publish('a', 2);

  expect(heard).toEqual(['once 1', 'always 1', 'always 2']);
});
