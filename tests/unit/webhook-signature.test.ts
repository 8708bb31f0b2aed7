import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { isFresh, isSigned, signPayload } from '../../src/server/webhook/signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const at = new Date('2026-11-27T10:00:00.000Z');
const payload = '{"payment_id":"pay_1","note":"äöü €"}';
const body = Buffer.from(payload);
const seconds = String(at.getTime() / 1000);

const headersOf = (secret = SECRET) => {
  const signed = signPayload(secret, { id: 'msg_1', at, payload });
  return {
    id: signed['webhook-id'],
    timestamp: signed['webhook-timestamp'],
    signature: signed['webhook-signature'],
  };
};

const right = headersOf();

test('a signed body is trusted', () => {
  expect(isSigned(right, body, [SECRET])).toBe(true);
});

test('the signature is HMAC-SHA256 over id, timestamp and body, as Standard Webhooks defines it', () => {
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  const hmac = createHmac('sha256', key).update(`msg_1.${seconds}.${payload}`).digest('base64');
  const now = new Date();
  const signed = signPayload(SECRET, { id: 'msg_1', at: now, payload });

  expect(right.signature).toBe(`v1,${hmac}`);
  expect(new Webhook(SECRET).verify(payload, signed)).toEqual(JSON.parse(payload));
});

test.each([
  ['no id', { ...right, id: undefined }],
  ['an empty id', { ...right, id: '' }],
  ['another id', { ...right, id: 'msg_2' }],
  ['no timestamp', { ...right, timestamp: undefined }],
  ['an empty timestamp', { ...right, timestamp: '' }],
  ['another timestamp', { ...right, timestamp: String(Number(seconds) + 1) }],
  ['no signature', { ...right, signature: undefined }],
  ['an empty signature', { ...right, signature: '' }],
  ['a space for a signature', { ...right, signature: ' ' }],
  ['a version alone', { ...right, signature: 'v1,' }],
  ['no version', { ...right, signature: right.signature!.slice('v1,'.length) }],
  ['another version', { ...right, signature: right.signature!.replace('v1,', 'v2,') }],
  [
    'the version of asymmetric signatures',
    { ...right, signature: right.signature!.replace('v1,', 'v1a,') },
  ],
  ['a shorter signature', { ...right, signature: right.signature!.slice(0, -1) }],
  ['a longer signature', { ...right, signature: `${right.signature!}=` }],
  ['a signature in another spelling', { ...right, signature: right.signature!.replace(/=+$/, '') }],
  ['signatures split by commas', { ...right, signature: `v1,xxxx,${right.signature!}` }],
  ['the signature of another secret', headersOf(OTHER)],
])('%s is not trusted', (_title, headers) => {
  expect(isSigned(headers, body, [SECRET])).toBe(false);
});

test('a signature with one changed character is not trusted', () => {
  const { signature } = right as { signature: string };
  const changed = Array.from(signature).map(
    (character, position) =>
      signature.slice(0, position) +
      (character === 'A' ? 'B' : 'A') +
      signature.slice(position + 1),
  );

  expect(
    changed.filter((wrong) => isSigned({ ...right, signature: wrong }, body, [SECRET])),
  ).toEqual([]);
});

test('a body with one changed byte is not trusted', () => {
  const changed = [...body].map((byte, position) => {
    const copy = Buffer.from(body);
    copy[position] = byte ^ 1;
    return copy;
  });

  expect(changed.filter((wrong) => isSigned(right, wrong, [SECRET]))).toEqual([]);
  expect(isSigned(right, Buffer.concat([body, Buffer.from(' ')]), [SECRET])).toBe(false);
  expect(isSigned(right, body.subarray(0, -1), [SECRET])).toBe(false);
  expect(isSigned(right, Buffer.alloc(0), [SECRET])).toBe(false);
});

test('bytes that are no valid text are signed unchanged, not as replacement characters', () => {
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  const isTrusted = (sent: Buffer, signed: Buffer | string): boolean => {
    const hmac = createHmac('sha256', key).update(`msg_1.${seconds}.`).update(signed);
    const signature = `v1,${hmac.digest('base64')}`;
    return isSigned({ id: 'msg_1', timestamp: seconds, signature }, sent, [SECRET]);
  };
  const [bytes, others] = [Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xfe, 0x22])];

  expect(isTrusted(bytes, bytes)).toBe(true);
  expect(isTrusted(bytes, others)).toBe(false);
  expect(isTrusted(bytes, bytes.toString())).toBe(false);
});

test.each([
  ['with a sign', `+${seconds}`],
  ['with decimals', `${seconds}.0`],
  ['with a space', ` ${seconds}`],
  ['with an exponent', '1e9'],
  ['in hexadecimal', '0x6928'],
  ['negative', '-1'],
  ['as a date', at.toISOString()],
  ['of 13 digits', '1'.repeat(13)],
  ['with a line end', `${seconds}\n`],
])('a timestamp %s is not trusted even when it is signed', (_title, timestamp) => {
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  const hmac = createHmac('sha256', key).update(`msg_1.${timestamp}.${payload}`).digest('base64');

  expect(isSigned({ id: 'msg_1', timestamp, signature: `v1,${hmac}` }, body, [SECRET])).toBe(false);
});

test('a point in the id does not make one signature fit another id and timestamp', () => {
  const signed = signPayload(SECRET, { id: `msg_1.${seconds}`, at: new Date(1000), payload });
  const signature = signed['webhook-signature'];

  const body2 = Buffer.from(`1.${payload}`);
  expect(isSigned({ id: `msg_1.${seconds}`, timestamp: '1', signature }, body, [SECRET])).toBe(
    true,
  );
  expect(isSigned({ id: 'msg_1', timestamp: seconds, signature }, body, [SECRET])).toBe(false);
  // The specification is ambiguous here: a provider must not use points in ids.
  expect(isSigned({ id: 'msg_1', timestamp: seconds, signature }, body2, [SECRET])).toBe(true);
});

test('one valid signature among 50 is enough, at any position', () => {
  const wrong = Array.from(
    { length: 49 },
    (_, position) => `v1,${Buffer.alloc(32, position).toString('base64')}`,
  );

  for (const at of [0, 25, 49]) {
    const signature = wrong.toSpliced(at, 0, right.signature!).join(' ');
    expect(isSigned({ ...right, signature }, body, [SECRET])).toBe(true);
  }
  expect(isSigned({ ...right, signature: wrong.join(' ') }, body, [SECRET])).toBe(false);
});

test('each listed secret is accepted while secrets rotate, and no other', () => {
  expect(isSigned(headersOf(SECRET), body, [OTHER, SECRET])).toBe(true);
  expect(isSigned(headersOf(OTHER), body, [OTHER, SECRET])).toBe(true);
  expect(isSigned(headersOf(SECRET), body, [OTHER])).toBe(false);
  expect(isSigned(headersOf(SECRET), body, [])).toBe(false);
});

test.each([
  [0, true],
  [299, true],
  [300, true],
  [301, false],
  [-300, true],
  [-301, false],
])('a signature %i seconds old is fresh: %s', (age, fresh) => {
  expect(isFresh(at, new Date(at.getTime() + age * 1000))).toBe(fresh);
});

test('the window ends within its last second', () => {
  expect(isFresh(at, new Date(at.getTime() + 300_001))).toBe(false);
  expect(isFresh(at, new Date(at.getTime() - 300_001))).toBe(false);
  expect(isFresh(new Date(Number.NaN), at)).toBe(false);
});
