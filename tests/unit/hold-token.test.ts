import { createHmac, randomUUID } from 'node:crypto';
import { HoldTokens } from '../../src/shop/purchases/hold-token.ts';

const SECRET = 'a secret that is long enough for a test';
const tokens = new HoldTokens([SECRET]);
const holdId = '01939f8e-7d3a-7c1b-9b1e-0123456789ab';
const token = tokens.issue(holdId);

test('a token belongs to one hold, and each issue for that hold gives the same token', () => {
  expect(tokens.holdIdOf(token)).toBe(holdId);
  expect(tokens.issue(holdId)).toBe(token);
});

test('a token is the id, a point and 43 characters of HMAC-SHA256', () => {
  const signature = createHmac('sha256', SECRET).update(holdId).digest('base64url');

  expect(token).toBe(`${holdId}.${signature}`);
  expect(signature).toHaveLength(43);
});

test('a token that is cut at either end is invalid', () => {
  const cut = Array.from({ length: token.length }, (_, at) => [
    token.slice(0, at),
    token.slice(at + 1),
  ]).flat();

  expect(cut.filter((text) => tokens.holdIdOf(text) !== undefined)).toEqual([]);
});

test('a token with one changed character is invalid', () => {
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

test('a token with additional text before, after or inside it is invalid', () => {
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

test('the signature of one hold is invalid for another hold', () => {
  const [, signature] = token.split('.');

  expect(tokens.holdIdOf(`${randomUUID()}.${signature}`)).toBeUndefined();
});

test('a correctly signed id that is not a UUID is invalid', () => {
  const strangers = ['', 'x', "1' or '1'='1", `${holdId} `, '__proto__'].map((id) =>
    tokens.issue(id),
  );

  expect(strangers.map((text) => tokens.holdIdOf(text))).toEqual(strangers.map(() => undefined));
});

test('secrets rotate: old tokens are valid while their secret is listed, the first secret signs new ones', () => {
  const rotated = new HoldTokens(['the new secret', SECRET]);
  const newOnly = new HoldTokens(['the new secret']);

  const fresh = rotated.issue(holdId);

  expect(rotated.holdIdOf(token)).toBe(holdId);
  expect(rotated.holdIdOf(fresh)).toBe(holdId);
  expect(newOnly.holdIdOf(fresh)).toBe(holdId);
  expect(newOnly.holdIdOf(token)).toBeUndefined();
  expect(tokens.holdIdOf(fresh)).toBeUndefined();
});
