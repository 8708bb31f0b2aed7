import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();

/** Runs `work`, and all that it starts, under this request id: every log line of it bears the id. */
export function asRequest<T>(id: string, work: () => T): T {
  return current.run(id, work);
}

/** The id of the request that is being answered; undefined where it is nobody's. */
export function requestId(): string | undefined {
  return current.getStore();
}
