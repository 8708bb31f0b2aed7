import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerJson } from '../body.ts';

const STARTING = 'The server is starting. No changes were made.';

/** The answer of each path during the start, in the format it has later; other paths answer as the webhook. */
const STARTING_ANSWERS: Readonly<Record<string, object>> = {
  '/readyz': { status: 'starting' },
  '/graphql': {
    errors: [{ message: STARTING, extensions: { code: 'OVERLOADED', retryAfterMs: 1000 } }],
  },
};

/** Answers during the start: /healthz with 200, every other path with 503. */
export function answerStarting({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const [path] = url.split('?') as [string];
  if (path === '/healthz') return answerJson(response, 200, '{"status":"ok"}');
  const answer = STARTING_ANSWERS[path] ?? { error: 'unavailable', message: STARTING };
  answerJson(response, 503, JSON.stringify(answer), { 'retry-after': '1' });
}
