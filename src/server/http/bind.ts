import { createServer } from 'node:net';

/** The server cannot listen where the settings say. */
export class PortUnavailable extends Error {
  override readonly name = 'PortUnavailable';
}

/** Where to listen. */
export interface Place {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Ports below this need a privilege on most systems. */
const UNPRIVILEGED_PORT_MIN = 1024;

/** An error of `listen` as one plain line that names the setting to change. */
export function bindError(error: NodeJS.ErrnoException, { host, port }: Place): Error {
  const { code = '' } = error;
  if (code === '') return error;
  return new PortUnavailable(reasonOf(code, host, port), { cause: error });
}

function reasonOf(code: string, host: string, port: number): string {
  if (code === 'EADDRINUSE')
    return `PORT ${port} on ${host} is taken by another process: stop that one, or set another PORT.`;
  if (code === 'EADDRNOTAVAIL') return `HOST ${host} is not an address of this machine.`;
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return `HOST ${host} cannot be resolved to an address (${code}).`;
  if (['EACCES', 'EPERM'].includes(code) && isPrivileged(port))
    return `PORT ${port} needs a privilege that this process does not have: set a PORT of ${UNPRIVILEGED_PORT_MIN} or more.`;
  return `PORT ${port} on HOST ${host} cannot be opened (${code}).`;
}

const isPrivileged = (port: number): boolean => port > 0 && port < UNPRIVILEGED_PORT_MIN;

/**
 * Listens for a moment and stops. The primary of several workers opens no port itself, and each of
 * its workers would report the same error.
 *
 * @throws PortUnavailable
 */
export function checkPlace(place: Place): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, place)));
    server.listen({ ...place, exclusive: true }, () => server.close(() => resolve()));
  });
}

/** http://host:port of a place, without a slash at its end. */
export function urlOf({ host, port }: Place): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The same for a client on this machine: a wildcard is where to listen, not whom to call. */
export function localUrlOf({ host, port }: Place): string {
  return urlOf({ host: ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host, port });
}
