import { gzipSync } from 'node:zlib';

/** The explorer's page, compressed once: nine megabytes that need nothing from the internet. */
export class Explorer {
  #page: Promise<Buffer> | undefined;

  /** The page, gzipped. Its code is loaded on first use only: a production server never needs it. */
  page(): Promise<Buffer> {
    this.#page ??= render();
    return this.#page;
  }
}

async function render(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({
    title: 'Flash sale',
    subscriptionsProtocol: 'WS',
    defaultQuery:
      '{\n  products {\n    nodes { id name price { amount currency } availableStock saleStatus }\n  }\n}\n',
  });
  return gzipSync(page);
}
