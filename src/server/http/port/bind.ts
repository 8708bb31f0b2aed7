import { createServer } from 'node:net';

/** The server cannot listen on HOST and PORT. */
class PortUnavailable extends Error {
  override readonly name = 'PortUnavailable';
}

/** A listening address. */
export interface ListenAddress {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
}

/** Lower ports require a privilege on most systems. */
const UNPRIVILEGED_PORT_MIN = 1024;

/** Converts an error of `listen` to one line that names the setting to change. */
export function bindError(error: NodeJS.ErrnoException, { host, port }: ListenAddress): Error {
  const { code = '' } = error;
  if (code === '') return error;
  return new PortUnavailable(reasonOf(code, host, port), { cause: error });
}

function reasonOf(code: string, host: string, port: number): string {
  if (code === 'EADDRINUSE')
    return `PORT ${port} on ${host} is in use by another process: stop it, or set another PORT.`;
  if (code === 'EADDRNOTAVAIL') return `HOST ${host} is not an address of this machine.`;
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return `HOST ${host} cannot be resolved to an address (${code}).`;
  if (['EACCES', 'EPERM'].includes(code) && isPrivileged(port))
    return `PORT ${port} requires a privilege that this process does not have: set a PORT of ${UNPRIVILEGED_PORT_MIN} or more.`;
  return `PORT ${port} on HOST ${host} cannot be opened (${code}).`;
}

const isPrivileged = (port: number): boolean => port > 0 && port < UNPRIVILEGED_PORT_MIN;

/**
 * Checks that the port can be opened, by opening and closing it. The primary of several workers opens no
 * port, and without this check each worker would report the same error.
 *
 * @throws PortUnavailable
 */
export function checkListenAddress(address: ListenAddress): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, address)));
    server.listen({ ...address, exclusive: true }, () => server.close(() => resolve()));
  });
}

/** The URL of a listening address, without a slash at its end. */
export function urlOf({ host, port }: ListenAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The URL for a client on this machine. A wildcard address becomes the loopback address. */
export function localUrlOf({ host, port }: ListenAddress): string {
  return urlOf({ host: ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host, port });
}
