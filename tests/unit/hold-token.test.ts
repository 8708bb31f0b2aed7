import { createHmac, randomUUID } from 'node:crypto';
import { HoldTokens } from '../../src/shop/purchases/hold-token.ts';

const SECRET = 'a secret that is long enough for a test';
const tokens = new HoldTokens([SECRET]);
const holdId = '01939f8e-7d3a-7c1b-9b1e-0123456789ab';
const token = tokens.issue(holdId);

test('a token opens the hold it was made for, and is the same each time', () => {
  expect(tokens.holdIdOf(token)).toBe(holdId);
  expect(tokens.issue(holdId)).toBe(token);
});

test('a token is the id, a point and 43 characters of HMAC-SHA256', () => {
  const signature = createHmac('sha256', SECRET).update(holdId).digest('base64url');

  expect(token).toBe(`${holdId}.${signature}`);
  expect(signature).toHaveLength(43);
});

test('a token cut anywhere, at either end, opens nothing', () => {
  const cut = Array.from({ length: token.length }, (_, at) => [
    token.slice(0, at),
    token.slice(at + 1),
  ]).flat();

  expect(cut.filter((text) => tokens.holdIdOf(text) !== undefined)).toEqual([]);
});

test('a token with any one character changed to any other opens nothing', () => {
  const characters = Array.from(
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \0é😀',
  );
  const changed = Array.from(token).flatMap((right, at) =>
    characters
      .filter((character) => character !== right)
      .map((character) => token.slice(0, at) + character + token.slice(at + 1)),
  );

  expect(changed.filter((text) => tokens.holdIdOf(text) !== undefined)).toEqual([]);
});

test('a token with anything before, behind or between opens nothing', () => {
  const [id, signature] = token.split('.') as [string, string];
  const wrong = [
    ` ${token}`,
    `${token} `,
    `${token}\n`,
    `${token}.`,
    `${token}.x`,
    `.${token}`,
    `${token}.${token}`,
    `${id}..${signature}`,
    `${id} ${signature}`,
    `${id},${signature}`,
    `${id}:${signature}`,
    `${id}/${signature}`,
    `${id}${signature}`,
    `${id}.${signature}=`,
    `${signature}.${id}`,
    `${id.toUpperCase()}.${signature}`,
    `{${id}}.${signature}`,
    `${id.replaceAll('-', '')}.${signature}`,
  ];

  expect(wrong.filter((text) => tokens.holdIdOf(text) !== undefined)).toEqual([]);
});

test('the signature of one hold does not open another', () => {
  const [, signature] = token.split('.');

  expect(tokens.holdIdOf(`${randomUUID()}.${signature}`)).toBeUndefined();
});

test('what is no UUID is no hold, though it be rightly signed', () => {
  const strangers = ['', 'x', "1' or '1'='1", `${holdId} `, '__proto__'].map((id) =>
    tokens.issue(id),
  );

  expect(strangers.map((text) => tokens.holdIdOf(text))).toEqual(strangers.map(() => undefined));
});

test('secrets rotate: old tokens open while their secret is listed, new ones are made with the first', () => {
  const rotated = new HoldTokens(['the new secret', SECRET]);
  const newOnly = new HoldTokens(['the new secret']);

  const fresh = rotated.issue(holdId);

  expect(rotated.holdIdOf(token)).toBe(holdId);
  expect(rotated.holdIdOf(fresh)).toBe(holdId);
  expect(newOnly.holdIdOf(fresh)).toBe(holdId);
  expect(newOnly.holdIdOf(token)).toBeUndefined();
  expect(tokens.holdIdOf(fresh)).toBeUndefined();
});
