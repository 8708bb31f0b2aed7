import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/postgres/embedded/embedded-postgres.ts';
import { makeAuthority, type Issued } from './certificates.mjs';
import { admin } from './test-postgres.ts';

/** A Postgres that accepts only TLS, with a certificate for "localhost" from a test authority. */
export interface TlsPostgres extends AsyncDisposable {
  /** A URL of its database `flash_sale` with these parameters; `host` replaces localhost. */
  url(parameters: Readonly<Record<string, string>>, host?: string): string;
  /** The parameters for full verification. */
  readonly verified: { readonly sslmode: 'verify-full'; readonly sslrootcert: string };
  /** The file of another authority. */
  readonly strangerCert: string;
  /** The files of the client certificate that the role `till` needs besides its password, `till`. */
  readonly client: { readonly sslcert: string; readonly sslkey: string };
}

/** No line allows a connection without TLS. */
const HBA = `
  hostssl all till all scram-sha-256 clientcert=verify-ca
  hostssl all all all scram-sha-256
`;

/** Starts one from the embedded binaries. */
export async function startTlsPostgres(): Promise<TlsPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), 'flash-sale-tls-'));
  // As root the database runs as another user, who must be able to enter the folder.
  chmodSync(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false });
  const own = makeAuthority('Test Authority');
  const files = writeFiles(dataDir, {
    'ca.pem': own.certificate,
    'stranger.pem': makeAuthority('Stranger').certificate,
    ...pairFiles('client', own.issue('till')),
  });
  const server = writeFiles(
    postgres.folder,
    { 'ca.pem': own.certificate, ...pairFiles('server', own.issue('localhost', ['localhost'])) },
    statSync(postgres.folder),
  );
  await admin(postgres.url, "create role till login superuser password 'till'");
  for (const [name, value] of Object.entries({
    ssl: 'on',
    ssl_ca_file: server('ca.pem'),
    ssl_cert_file: server('server.pem'),
    ssl_key_file: server('server.key'),
  }))
    await admin(postgres.url, `alter system set ${name} = '${value}'`);
  writeFileSync(join(postgres.folder, 'pg_hba.conf'), HBA);
  await admin(postgres.url, 'select pg_reload_conf()');
  return {
    verified: { sslmode: 'verify-full', sslrootcert: files('ca.pem') },
    strangerCert: files('stranger.pem'),
    client: { sslcert: files('client.pem'), sslkey: files('client.key') },
    url(parameters, host = 'localhost') {
      const url = new URL(postgres.url);
      url.hostname = host;
      url.search = new URLSearchParams(parameters).toString();
      return url.toString();
    },
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const pairFiles = (name: string, { certificate, key }: Issued) => ({
  [`${name}.pem`]: certificate,
  [`${name}.key`]: key,
});

/** Writes files that only their owner can read; returns their paths by name. */
function writeFiles(
  folder: string,
  texts: Readonly<Record<string, string>>,
  owner?: { readonly uid: number; readonly gid: number },
): (name: string) => string {
  for (const [name, text] of Object.entries(texts)) {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    if (owner !== undefined) chownSync(file, owner.uid, owner.gid);
  }
  return (name) => join(folder, name);
}
