// JavaScript with a separate declaration file, because node-forge has no types.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import forge from 'node-forge';

const DAY_MS = 24 * 3600 * 1000;

export function makeAuthority(name) {
  const { certificate, key } = make(name, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  return {
    certificate: forge.pki.certificateToPem(certificate),
    issue(subject, dnsNames = []) {
      const altNames = dnsNames.map((value) => ({ type: 2, value }));
      const extensions = altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : [];
      const issued = make(subject, extensions, { certificate, key });
      return {
        certificate: forge.pki.certificateToPem(issued.certificate),
        key: issued.key,
      };
    },
  };
}

function make(name, extensions, issuer) {
  // Node generates the keys and signs, because forge's RSA in JavaScript needs seconds of CPU.
  const { publicKey, privateKey: key } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS);
  certificate.validity.notAfter = new Date(Date.now() + DAY_MS);
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(issuer ? issuer.certificate.subject.attributes : subject);
  certificate.setExtensions(extensions);
  certificate.sign(signerOf(certificate, issuer?.key ?? key), forge.md.sha256.create());
  return { certificate, key };
}

/** What forge's `sign` takes as a key: it has set `tbsCertificate` before it calls this. */
function signerOf(certificate, key) {
  return {
    sign() {
      const { data } = forge.asn1.toDer(certificate.tbsCertificate);
      return sign('sha256', Buffer.from(data, 'binary'), key).toString('binary');
    },
  };
}
