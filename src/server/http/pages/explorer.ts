import type { Express } from 'express';
import { answerJson } from '../body.ts';
import { BuiltPage, pagePolicy } from './built-page.ts';

/** GraphiQL's editor sets inline styles, and its fonts are data URLs. */
const POLICY = pagePolicy({
  'style-src': "'self' 'unsafe-inline'",
  'font-src': "'self' data:",
});

/**
 * Serves the explorer: its page to browsers at /graphql, and the page's files.
 *
 * @param folder the built files, for tests; where they are missing, the answer is 503
 */
export function serveExplorer(app: Express, isOn: boolean, folder?: string): void {
  const explorer = new BuiltPage({ name: 'explorer', policy: POLICY, folder });
  app.get('/graphql', (request, response) => {
    response.vary('Accept');
    const isBrowser =
      request.headers.accept?.includes('text/html') && request.query['query'] === undefined;
    if (isOn && isBrowser) return explorer.answer(request, response);
    const body = JSON.stringify({ error: 'bad_request', message: 'Send operations by POST.' });
    answerJson(response, 400, body, { allow: 'POST' });
  });
  if (isOn) explorer.serveAssets(app, '/graphql');
}
