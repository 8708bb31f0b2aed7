/** A certificate and its key, as PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** An authority for certificates, valid for a day. */
export interface Authority {
  /** The certificate as PEM, for `sslrootcert`. */
  readonly certificate: string;
  /** Creates a certificate for this subject and these server names. */
  issue(subject: string, dnsNames?: readonly string[]): Issued;
}

/** Creates a new authority. */
export function makeAuthority(name: string): Authority;
