import { BusyFault, UnavailableFault } from '../../src/lib/faults.ts';
import { asFault } from '../../src/postgres/faults.ts';

const errorOf = (code: string): Error => Object.assign(new Error(`read ${code}`), { code });

/** How the link of an open session can end. */
const LOST = [
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENOBUFS',
  'EPROTO',
  'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  'ERR_SSL_WRONG_VERSION_NUMBER',
];

describe.each(LOST)('a session that is lost with %s', (code) => {
  test('during its commit has an unknown outcome', () => {
    const fault = asFault(errorOf(code), 'committing') as Error;

    expect(fault).toBeInstanceOf(UnavailableFault);
    expect(fault.message).toContain('the outcome is unknown');
  });

  test('before its commit is an unavailable database, and nothing was done', () => {
    const fault = asFault(errorOf(code)) as Error;

    expect(fault).toBeInstanceOf(UnavailableFault);
    expect(fault.message).toBe('The database is away; nothing was done.');
  });
});

test.each(['ENOENT', 'EACCES', 'ERR_INVALID_ARG_TYPE', '23505', '22P02', '57014'])(
  '%s is no lost session',
  (code) => {
    const fault = asFault(errorOf(code));

    expect(fault).not.toBeInstanceOf(UnavailableFault);
    expect(fault instanceof BusyFault).toBe(code === '57014');
  },
);
