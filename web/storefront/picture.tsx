import { useState } from 'react';

/** A product's picture; nothing if there is none or it cannot be loaded. The name is beside it. */
export function Picture({ url }: { readonly url: string | null }) {
  const [failedUrl, setFailedUrl] = useState<string | null>(null);
  if (url === null || url === failedUrl) return null;
  return (
    <img
      className="picture"
      src={url}
      alt=""
      loading="lazy"
      referrerPolicy="no-referrer"
      onError={() => setFailedUrl(url)}
    />
  );
}
