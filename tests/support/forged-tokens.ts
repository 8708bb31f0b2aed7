import { createHash, createHmac } from 'node:crypto';
import { HoldTokens } from '../../src/shop/purchases/hold-token.ts';

/** The 64 letters of base64 in URLs, in order. */
export const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Characters that look like a token's character, or compare equal after normalisation. */
const SIMILAR: Readonly<Record<string, string>> = {
  a: 'а',
  c: 'с',
  e: 'е',
  o: 'о',
  p: 'р',
  x: 'х',
  A: 'Α',
  B: 'В',
  E: 'Е',
  K: 'K',
  M: 'М',
  O: 'О',
  '0': '０',
  '1': '１',
  '2': '２',
  '3': '３',
  '-': '‐',
  _: '＿',
  '.': '．',
};

/** A valid token and the ids that its buyer received. */
export interface IssuedToken {
  readonly token: string;
  readonly holdId: string;
  readonly orderId: string;
}

/** Invalid tokens that resemble these valid ones. */
export function forgedTokens(issued: readonly IssuedToken[]): string[] {
  const forged = issued.flatMap((one) => [
    ...flipped(one.token),
    ...recased(one.token),
    ...lookAlikes(one.token),
    ...reshaped(one.token),
    ...resigned(one),
    ...issued.flatMap((other) => swapped(one, other)),
  ]);
  const valid = new Set(issued.map(({ token }) => token));
  return [...new Set(forged)].filter((token) => !valid.has(token));
}

const replaced = (token: string, at: number, by: string): string =>
  token.slice(0, at) + by + token.slice(at + 1);

/** One character replaced by the next in the alphabet, removed, or doubled. */
function flipped(token: string): string[] {
  return token
    .split('')
    .flatMap((character, at) => [
      replaced(token, at, BASE64URL[(BASE64URL.indexOf(character) + 1) % BASE64URL.length]!),
      replaced(token, at, ''),
      replaced(token, at, character + character),
    ]);
}

function recased(token: string): string[] {
  const other = (character: string): string =>
    character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();
  return [
    token.toUpperCase(),
    token.toLowerCase(),
    ...token.split('').map((character, at) => replaced(token, at, other(character))),
  ];
}

function lookAlikes(token: string): string[] {
  return token.split('').flatMap((character, at) => {
    const similar = SIMILAR[character];
    return similar === undefined ? [] : [replaced(token, at, similar)];
  });
}

/** Other encodings of the same bytes, and additional text around them. */
function reshaped(token: string): string[] {
  const [id, signature] = token.split('.') as [string, string];
  const bytes = Buffer.from(signature, 'base64url');
  const last = BASE64URL.indexOf(signature.at(-1)!);
  const around = [' ', '\t', '\n', '\0', '.', '=', '==', '%00', '\ufeff', '\u200b', '\ud800', '"'];
  return [
    `${id}.${bytes.toString('base64')}`,
    `${id}.${bytes.toString('hex')}`,
    `${id}.${bytes.toString('latin1')}`,
    `${id}.${Buffer.from(signature).toString('base64url')}`,
    // The last of 43 characters has two unused bits: other letters decode to the same bytes.
    ...[1, 2, 3].map((bits) => `${id}.${signature.slice(0, -1)}${BASE64URL[last ^ bits]}`),
    `${id.replaceAll('-', '')}.${signature}`,
    `{${id}}.${signature}`,
    `urn:uuid:${id}.${signature}`,
    `${id}.${signature}.${signature}`,
    `${id}..${signature}`,
    `.${id}.${signature}`,
    `${signature}.${id}`,
    `${id}.`,
    `.${signature}`,
    `${id}${signature}`,
    `${id}:${signature}`,
    encodeURIComponent(token).replace('.', '%2e'),
    Buffer.from(token).toString('base64url'),
    `Bearer ${token}`,
    ...around.flatMap((extra) => [
      `${token}${extra}`,
      `${extra}${token}`,
      `${id}${extra}.${signature}`,
      `${id}.${extra}${signature}`,
    ]),
  ];
}

/** Signed with another secret, or over another text than the hold's id. */
function resigned({ token, holdId, orderId }: IssuedToken): string[] {
  const signature = token.split('.')[1]!;
  const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
  return [
    ...['', 'secret', 'undefined', 'null', 'a hold token secret'].map((secret) =>
      secret === ''
        ? `${holdId}.${createHmac('sha256', '').update(holdId).digest('base64url')}`
        : new HoldTokens([secret]).issue(holdId),
    ),
    `${holdId}.${hash(holdId)}`,
    `${holdId}.${hash(token)}`,
    `${holdId}.${hash(signature)}`,
    `${orderId}.${signature}`,
    `${orderId}.${hash(orderId)}`,
    `${holdId}.${holdId}`,
  ];
}

/** The id of one hold with the signature of another, whole and in part. */
function swapped(one: IssuedToken, other: IssuedToken): string[] {
  const [mine, theirs] = [one.token.split('.')[1]!, other.token.split('.')[1]!];
  return [
    `${one.holdId}.${theirs}`,
    `${one.orderId}.${theirs}`,
    `${one.holdId}.${mine.slice(0, 20)}${theirs.slice(20)}`,
    `${one.holdId.slice(0, 24)}${other.holdId.slice(24)}.${mine}`,
  ];
}
