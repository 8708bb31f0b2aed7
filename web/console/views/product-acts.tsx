import { useApolloClient } from '@apollo/client/react';
import {
  AdjustStockDocument,
  CreateProductDocument,
  ServerTimeDocument,
  SetSalePausedDocument,
  UpdateProductDocument,
  type ProductFieldsFragment,
  type UpdateProductInput,
} from '../generated/operations.ts';
import { Act, type Values } from '../parts/act.tsx';
import { count } from '../parts/format.ts';
import { settled } from '../parts/settled.ts';
import { productFields, productInput } from './product-form.ts';

/** The act that creates a product. */
export function CreateProduct({ onDone }: { readonly onDone: () => unknown }) {
  const client = useApolloClient();
  const create = async (values: Values): Promise<string> => {
    const { currency = '', totalStock = '' } = values;
    const input = { ...productInput(values), currency, totalStock: Number(totalStock) };
    const { data } = await client.mutate({ mutation: CreateProductDocument, variables: { input } });
    return `Product ${data!.createProduct.id} exists.`;
  };
  return (
    <Act
      label="Create product"
      title="Create a product"
      text="Without a start, its sale opens at once."
      fields={productFields()}
      run={create}
      onDone={onDone}
    />
  );
}

interface ProductActsProps {
  readonly product: ProductFieldsFragment;
  readonly isPaused: boolean;
  /** The stock that the admin sees: a restock of another state is refused. */
  readonly version: number;
  readonly onDone: () => unknown;
}

/** The acts on one product. */
export function ProductActs({ product, isPaused, version, onDone }: ProductActsProps) {
  const { edit, close, pause, restock } = useProductActs(product);
  const { name } = product;
  return (
    <div className="buttons">
      <Act
        label="Edit"
        title={`Edit ${name}`}
        text="Existing holds and orders keep their price."
        fields={productFields(product)}
        run={edit}
        onDone={onDone}
      />
      <Act
        label="Restock"
        title={`Change the stock of ${name}`}
        text="Adds units to the total, or takes them from it. Held and sold units stay."
        fields={RESTOCK}
        run={(values) => restock(values, version)}
        onDone={onDone}
      />
      <Act
        label={isPaused ? 'Resume' : 'Pause'}
        title={`${isPaused ? 'Resume' : 'Pause'} the sale of ${name}`}
        text={
          isPaused
            ? 'Buyers can hold units again.'
            : 'No new holds. Holds and orders that exist go on.'
        }
        run={() => pause(!isPaused)}
        onDone={onDone}
      />
      <Act
        label="Close sale"
        title={`Close the sale of ${name}`}
        text="The sale ends now. Edit its end to open it again."
        isDangerous
        run={close}
        onDone={onDone}
      />
    </div>
  );
}

const RESTOCK = [
  { name: 'delta', label: 'Units', hint: 'negative: fewer', kind: 'number', isRequired: true },
  { name: 'reason', label: 'Reason', isRequired: true, maxLength: 500 },
] as const;

function useProductActs({ id }: ProductFieldsFragment) {
  const client = useApolloClient();
  const update = async (input: Omit<UpdateProductInput, 'id'>): Promise<void> => {
    const variables = { input: { ...input, id } };
    const { data } = await client.mutate({ mutation: UpdateProductDocument, variables });
    settled(data?.updateProduct, 'Product');
  };
  return {
    async edit(this: void, values: Values) {
      await update(productInput(values));
      return 'The product is changed.';
    },
    async close(this: void) {
      // The server's clock: this browser's may be wrong.
      const { data } = await client.query({ query: ServerTimeDocument });
      await update({ saleEndsAt: data!.serverTime });
      return 'The sale is closed.';
    },
    async pause(this: void, paused: boolean) {
      const variables = { productId: id, paused };
      const { data } = await client.mutate({ mutation: SetSalePausedDocument, variables });
      settled(data?.setSalePaused, 'Product');
      return paused ? 'The sale is paused.' : 'The sale is resumed.';
    },
    async restock(this: void, { delta = '', reason = '' }: Values, expectedVersion: number) {
      const input = { productId: id, delta: Number(delta), reason, expectedVersion };
      const { data } = await client.mutate({ mutation: AdjustStockDocument, variables: { input } });
      return `${count(settled(data?.adjustStock, 'Product').totalStock)} units are for sale now.`;
    },
  };
}
