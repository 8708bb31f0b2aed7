import { useSyncExternalStore } from 'react';

/** Where the console is: a view and its parameters, in the fragment of the address. */
export interface Route {
  readonly view: string;
  readonly params: URLSearchParams;
}

/** The view of a new visit. */
const FIRST_VIEW = 'now';

/** Calls back when the fragment changes. */
function onHashChange(callback: () => void): () => void {
  window.addEventListener('hashchange', callback);
  return () => window.removeEventListener('hashchange', callback);
}

/** The current route. A link to `hrefOf(…)` changes it; the browser's Back button works. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(onHashChange, () => window.location.hash);
  const [view = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { view: view || FIRST_VIEW, params: new URLSearchParams(query) };
}

/** The link to a view. Empty parameters are left out. */
export function hrefOf(view: string, params: Readonly<Record<string, string>> = {}): string {
  const set = Object.entries(params).filter(([, value]) => value !== '');
  const query = new URLSearchParams(set).toString();
  return `#/${view}${query === '' ? '' : `?${query}`}`;
}
