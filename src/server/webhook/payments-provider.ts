import type { IncomingHttpHeaders } from 'node:http';
import { readEvent } from './event.ts';
import type { Provider } from './provider.ts';
import { isSigned, type SignatureHeaders } from './signature.ts';

/**
 * The shop's own payment contract, signed as Standard Webhooks 1.0.
 *
 * @param secrets all accepted, for rotation; none: unsigned events are accepted (development only)
 */
export function paymentsProvider(secrets: readonly string[]): Provider {
  return {
    name: 'payments',
    audit(headers) {
      const { id, timestamp } = signatureOf(headers);
      return {
        ...(id !== undefined && { 'webhook-id': id }),
        ...(timestamp !== undefined && { 'webhook-timestamp': timestamp }),
      };
    },
    verify(headers, body) {
      if (secrets.length === 0) return { signedAt: null };
      const signature = signatureOf(headers);
      if (!isSigned(signature, body, secrets)) return undefined;
      return { signedAt: new Date(Number(signature.timestamp) * 1000) };
    },
    read: (body, headers) => readEvent(body, signatureOf(headers).id),
  };
}

function signatureOf(headers: IncomingHttpHeaders): SignatureHeaders {
  const one = (name: string): string | undefined => headers[name]?.toString();
  return {
    id: one('webhook-id'),
    timestamp: one('webhook-timestamp'),
    signature: one('webhook-signature'),
  };
}
