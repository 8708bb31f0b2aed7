import type { SubmitEvent } from 'react';
import { Fields, textOf, type Field } from '../parts/fields.tsx';
import { hrefOf } from '../route.ts';

/** The filters that orders and holds share. */
export const PURCHASE_FILTERS: readonly Field[] = [
  { name: 'customerId', label: 'Customer' },
  { name: 'productId', label: 'Product id' },
  { name: 'from', label: 'Created from', kind: 'datetime-local' },
  { name: 'to', label: 'Created before', kind: 'datetime-local' },
];

/** Opens one purchase by the id of its order or hold. */
export function FindPurchase() {
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    window.location.hash = hrefOf('purchase', { id: textOf(event.currentTarget, 'id') });
  };
  return (
    <form className="filters" onSubmit={submit}>
      <Fields fields={[{ name: 'id', label: 'Order or hold id', isRequired: true }]} />
      <div className="buttons">
        <button>Open</button>
      </div>
    </form>
  );
}
