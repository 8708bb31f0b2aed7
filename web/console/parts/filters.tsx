import type { SubmitEvent } from 'react';
import { hrefOf } from '../route.ts';
import { Fields, valuesOf, type Field } from './fields.tsx';

/** The filters of a list. They are in the address, so that Back and a link restore them. */
export function Filters({
  view,
  params,
  fields,
}: {
  readonly view: string;
  readonly params: URLSearchParams;
  readonly fields: readonly Field[];
}) {
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    window.location.hash = hrefOf(view, valuesOf(event.currentTarget, fields));
  };
  const filled = fields.map((field) => ({ ...field, value: params.get(field.name) ?? '' }));
  return (
    <form className="filters" role="search" onSubmit={submit}>
      <Fields fields={filled} />
      <div className="buttons">
        <button className="primary">Search</button>
        <a href={hrefOf(view)}>All</a>
      </div>
    </form>
  );
}

/** The choices of a status filter, with no choice first. */
export function choicesOf(values: readonly string[]): Field['options'] {
  return [['', 'any'], ...values.map((value) => [value, value] as const)];
}

/** A parameter of the address; null where it is not set, as the server takes it. */
export function paramOf<Value extends string = string>(
  params: URLSearchParams,
  name: string,
): Value | null {
  return (params.get(name) || null) as Value | null;
}
