import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';
import './page.css';
import { TABS } from './tabs.ts';

// The page is served at the endpoint itself: so it works at any host and under any path prefix.
const endpoint = new URL(window.location.pathname, window.location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  wsClient: createClient({ url: socket.href }),
});

createRoot(document.querySelector('#explorer')!).render(
  <GraphiQL fetcher={fetcher} defaultTabs={[...TABS]} />,
);
