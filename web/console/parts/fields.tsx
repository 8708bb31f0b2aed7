/** One input of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly kind?: 'text' | 'textarea' | 'number' | 'datetime-local' | 'url' | 'checkbox';
  /** The first value; for a checkbox 'on' or nothing. */
  readonly value?: string | undefined;
  readonly hint?: string;
  readonly isRequired?: boolean;
  readonly min?: number;
  readonly maxLength?: number;
  /** A choice among these values instead of free text. */
  readonly options?: readonly (readonly [value: string, text: string])[];
}

/** The trimmed text of a form's input; empty if there is none. */
export function textOf(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value.trim() : '';
}

/** The values of a form's fields by name. */
export function valuesOf(
  form: HTMLFormElement,
  fields: readonly Field[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(fields.map(({ name }) => [name, textOf(form, name)]));
}

/** The inputs of a form, each with its label and hint. */
export function Fields({ fields }: { readonly fields: readonly Field[] }) {
  return fields.map((field) => (
    <label key={field.name} className={field.kind === 'checkbox' ? 'check' : undefined}>
      <span>
        {field.label}
        {field.hint !== undefined && <small className="hint"> {field.hint}</small>}
      </span>
      <Input {...field} />
    </label>
  ));
}

function Input({ name, kind = 'text', value = '', options, ...rest }: Field) {
  const { isRequired: required, min, maxLength } = rest;
  if (options !== undefined)
    return (
      <select name={name} defaultValue={value} required={required}>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    );
  if (kind === 'textarea')
    return <textarea name={name} defaultValue={value} required={required} maxLength={maxLength} />;
  if (kind === 'checkbox')
    return <input name={name} type="checkbox" defaultChecked={value === 'on'} />;
  // Seconds count in a sale's window.
  const step = kind === 'datetime-local' ? 1 : undefined;
  return (
    <input
      {...{ name, required, min, maxLength, step }}
      type={kind}
      defaultValue={value}
      autoComplete="off"
    />
  );
}
