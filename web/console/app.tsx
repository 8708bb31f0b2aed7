import { ApolloProvider } from '@apollo/client/react';
import { useEffect, useMemo, useState } from 'react';
import { codeOf, failureText, type ConsoleClient } from './client.ts';
import { Frame } from './frame.tsx';
import { SessionContext, storedToken, storeToken, type Session } from './session.ts';
import { SignIn, signIn } from './sign-in.tsx';

/** The console: the sign-in form, then the views. */
export function App() {
  const [client, setClient] = useState<ConsoleClient | null>(null);
  const [isUnlocked, setUnlocked] = useState(false);
  const [notice, setNotice] = useState<string | null>(storedToken() === null ? '' : null);

  const enter = async (token: string): Promise<void> => {
    setClient(await signIn(token));
    storeToken(token);
  };
  useEffect(() => {
    const token = storedToken();
    if (token === null) return;
    enter(token).catch((error: unknown) => {
      // A server that is away keeps the token; a refused one is of no use.
      if (codeOf(error) === 'UNAUTHENTICATED') storeToken(null);
      setNotice(failureText(error));
    });
  }, []);
  useEffect(() => () => client?.close(), [client]);

  const session = useMemo<Session>(
    () => ({
      isUnlocked,
      setUnlocked,
      signOut() {
        storeToken(null);
        setUnlocked(false);
        setNotice('');
        setClient(null);
      },
    }),
    [isUnlocked],
  );
  if (client === null && notice === null) return <p className="loading">Signing in …</p>;
  if (client === null) return <SignIn notice={notice ?? ''} onToken={enter} />;
  return (
    <ApolloProvider client={client.apollo}>
      <SessionContext value={session}>
        <Frame />
      </SessionContext>
    </ApolloProvider>
  );
}
