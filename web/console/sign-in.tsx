import { useState, type SubmitEvent } from 'react';
import { failureText, openClient, type ConsoleClient } from './client.ts';
import { CheckTokenDocument } from './generated/operations.ts';
import { textOf } from './parts/fields.tsx';

/** Opens a client if the server accepts the token. @throws the error of the call */
export async function signIn(token: string): Promise<ConsoleClient> {
  const client = openClient(token);
  try {
    await client.apollo.query({ query: CheckTokenDocument });
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The form that asks for the admin token. */
export function SignIn({
  notice,
  onToken,
}: {
  readonly notice: string;
  readonly onToken: (token: string) => Promise<void>;
}) {
  const [failure, setFailure] = useState(notice);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const token = textOf(event.currentTarget, 'token');
    setBusy(true);
    setFailure('');
    try {
      await onToken(token);
    } catch (error) {
      setFailure(failureText(error));
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <h1>Console</h1>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          Admin token
          <input name="token" type="password" autoComplete="off" spellCheck={false} required />
        </label>
        <p className="hint">
          The setting ADMIN_TOKEN of the server. In development it is in the data directory.
        </p>
        <button className="primary" disabled={isBusy}>
          Sign in
        </button>
        <p role="alert" className="failure">
          {failure}
        </p>
      </form>
    </main>
  );
}
