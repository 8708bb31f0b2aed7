import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();

/** Runs `work` with this request id, which every log line of the work has. */
export function asRequest<T>(id: string, work: () => T): T {
  return current.run(id, work);
}

/** The id of the current request; undefined outside of requests. */
export function requestId(): string | undefined {
  return current.getStore();
}
