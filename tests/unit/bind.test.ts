import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  bindError,
  checkListenAddress,
  localUrlOf,
  urlOf,
} from '../../src/server/http/port/bind.ts';

const failed = (code: string) => Object.assign(new Error(`listen ${code}`), { code });

test.each([
  [
    'EADDRINUSE',
    80,
    'PORT 80 on 10.0.0.1 is in use by another process: stop it, or set another PORT.',
  ],
  [
    'EACCES',
    80,
    'PORT 80 requires a privilege that this process does not have: set a PORT of 1024 or more.',
  ],
  [
    'EPERM',
    443,
    'PORT 443 requires a privilege that this process does not have: set a PORT of 1024 or more.',
  ],
  ['EACCES', 4000, 'PORT 4000 on HOST 10.0.0.1 cannot be opened (EACCES).'],
  ['EACCES', 0, 'PORT 0 on HOST 10.0.0.1 cannot be opened (EACCES).'],
  ['EADDRNOTAVAIL', 4000, 'HOST 10.0.0.1 is not an address of this machine.'],
  ['ENOTFOUND', 4000, 'HOST 10.0.0.1 cannot be resolved to an address (ENOTFOUND).'],
  ['EAI_AGAIN', 4000, 'HOST 10.0.0.1 cannot be resolved to an address (EAI_AGAIN).'],
  ['EINVAL', 4000, 'PORT 4000 on HOST 10.0.0.1 cannot be opened (EINVAL).'],
  ['EAFNOSUPPORT', 4000, 'PORT 4000 on HOST 10.0.0.1 cannot be opened (EAFNOSUPPORT).'],
])('%s at port %d is one plain line', (code, port, line) => {
  expect(bindError(failed(code), { host: '10.0.0.1', port })).toMatchObject({
    name: 'PortUnavailable',
    message: line,
  });
});

test('an error without a code stays as it is', () => {
  const error = new Error('a bug');

  expect(bindError(error, { host: '10.0.0.1', port: 1 })).toBe(error);
});

test('an address is free before it is bound and after it is released', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const place = { host: '127.0.0.1', port };

  await expect(checkListenAddress(place)).rejects.toThrow(`PORT ${port} on 127.0.0.1 is in use`);
  server.close();
  await once(server, 'close');
  await expect(checkListenAddress(place)).resolves.toBeUndefined();
  await expect(checkListenAddress(place)).resolves.toBeUndefined();
});

test.each([
  ['127.0.0.1', 'http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
  ['localhost', 'http://localhost:4000', 'http://localhost:4000'],
  ['::1', 'http://[::1]:4000', 'http://[::1]:4000'],
  ['0.0.0.0', 'http://0.0.0.0:4000', 'http://127.0.0.1:4000'],
  ['::', 'http://[::]:4000', 'http://127.0.0.1:4000'],
  ['192.0.2.1', 'http://192.0.2.1:4000', 'http://192.0.2.1:4000'],
])('the URL of %s is %s, and that for clients on this machine %s', (host, url, local) => {
  expect([urlOf({ host, port: 4000 }), localUrlOf({ host, port: 4000 })]).toEqual([url, local]);
});
