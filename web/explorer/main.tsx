import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { type DocumentNode, Kind, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';
import './page.css';
import { TABS } from './tabs.ts';

// The page is served at the endpoint itself: so it works at any host and under any path prefix.
const endpoint = new URL(window.location.pathname, window.location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

const send = createGraphiQLFetcher({
  url: endpoint.href,
  wsClient: createClient({ url: socket.href }),
});

/**
 * GraphiQL reads the operations of an edited document a moment after the edit. A click on Run before
 * that would send the name of the previous operation, and a subscription by HTTP. So the document that
 * is sent is read here.
 */
const fetcher: Fetcher = (request, options) => {
  const documentAST = parsed(request.query);
  if (!documentAST) return send(request, options);
  const names = documentAST.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [definition.name?.value] : [],
  );
  const operationName = names.length === 1 ? names[0] : (request.operationName ?? undefined);
  return send({ ...request, operationName }, { ...options, documentAST });
};

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    // The server answers with the place of the syntax error.
    return undefined;
  }
}

createRoot(document.querySelector('#explorer')!).render(
  <GraphiQL fetcher={fetcher} defaultTabs={[...TABS]} />,
);
