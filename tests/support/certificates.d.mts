/** A certificate and its key, as PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** An authority for certificates, valid for a day. */
export interface Authority {
  /** As PEM: what `sslrootcert` names. */
  readonly certificate: string;
  /** Makes a certificate of this subject, for these names of a server. */
  issue(subject: string, dnsNames?: readonly string[]): Issued;
}

/** Makes an authority of its own. */
export function makeAuthority(name: string): Authority;
