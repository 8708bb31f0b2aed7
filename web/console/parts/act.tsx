import { useEffect, useId, useRef, useState, type ReactNode, type SubmitEvent } from 'react';
import { failureText } from '../client.ts';
import { useSession } from '../session.ts';
import { Fields, valuesOf, type Field } from './fields.tsx';
import { Refused } from './settled.ts';

/** The texts of a form's fields by name. */
export type Values = Readonly<Record<string, string>>;

/** An act of the admin: a button, a dialog that confirms it, and its result. */
export interface ActProps {
  readonly label: string;
  /** The dialog's heading, with what is acted on. */
  readonly title: string;
  /** What the act does, and whether it can be undone. */
  readonly text: ReactNode;
  readonly fields?: readonly Field[];
  readonly isDangerous?: boolean;
  /** Performs the act; returns what is shown then. @throws Refused, or the error of the call */
  readonly run: (values: Values) => Promise<ReactNode>;
  /** Called when the dialog is closed after success, to read again what the view shows. */
  readonly onDone?: (() => unknown) | undefined;
}

/** The button of an act. It is disabled while the console is read-only. */
export function Act(act: ActProps) {
  const { isUnlocked } = useSession();
  // As it was when it was opened: live stock must not change what is confirmed.
  const [opened, setOpened] = useState<ActProps | null>(null);
  return (
    <>
      <button
        disabled={!isUnlocked}
        title={isUnlocked ? undefined : 'Read-only: unlock the console first.'}
        onClick={() => setOpened(act)}
      >
        {act.label}
      </button>
      {opened && <ActDialog {...opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function ActDialog({ onClose, ...act }: ActProps & { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [result, setResult] = useState<ReactNode>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => dialog.current?.close();
  const closed = (): void => {
    onClose();
    // Not before: a view that is read again may no longer have this act.
    if (result !== null) act.onDone?.();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={closed}>
      <h2 id={heading}>{act.title}</h2>
      {result === null ? (
        <ActForm {...act} onCancel={close} onResult={setResult} />
      ) : (
        <>
          <div role="status" className="done">
            {result}
          </div>
          <button className="primary" onClick={close} autoFocus>
            Close
          </button>
        </>
      )}
    </dialog>
  );
}

interface ActFormProps extends ActProps {
  readonly onCancel: () => void;
  readonly onResult: (result: ReactNode) => void;
}

function ActForm({ fields = [], onCancel, onResult, ...act }: ActFormProps) {
  const [failure, setFailure] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailure('');
    try {
      onResult(await act.run(valuesOf(event.currentTarget, fields)));
    } catch (error) {
      setFailure(refusalText(error));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <div>{act.text}</div>
      <Fields fields={fields} />
      <p role="alert" className="failure">
        {failure}
      </p>
      <div className="buttons">
        <button className={act.isDangerous ? 'danger' : 'primary'} disabled={isBusy}>
          {act.label}
        </button>
        <button type="button" onClick={onCancel}>
          Back
        </button>
      </div>
    </form>
  );
}

/** A refusal with its code, as in the API; an error as a sentence. */
function refusalText(error: unknown): string {
  return error instanceof Refused ? `${error.message} (${error.code})` : failureText(error);
}
