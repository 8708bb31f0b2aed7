import { createContext, useContext } from 'react';

/** The session of an admin in this tab. */
export interface Session {
  /** Whether acts are enabled. A new session is read-only. */
  readonly isUnlocked: boolean;
  readonly setUnlocked: (isUnlocked: boolean) => void;
  readonly signOut: () => void;
}

/** The session for the views; null before sign-in. */
export const SessionContext = createContext<Session | null>(null);

/** The session of this tab. Only for what is shown after sign-in. */
export function useSession(): Session {
  return useContext(SessionContext)!;
}

/** Of this tab alone: another tab, and the next visit, ask for the token. */
const KEY = 'flash-sale-admin-token';

/** The token that this tab has kept over a reload. */
export function storedToken(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Keeps the token over a reload of this tab; null removes it. */
export function storeToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}
