import type { ProductFieldsFragment } from '../generated/operations.ts';
import type { Values } from '../parts/act.tsx';
import type { Field } from '../parts/fields.tsx';
import { fromLocalInput, toLocalInput } from '../parts/format.ts';

/** The form's texts of a new product. */
const NEW = {
  name: '',
  description: '',
  price: '',
  maxPerHold: '10',
  maxPerCustomer: '',
  saleStartsAt: '',
  saleEndsAt: '',
  imageUrl: '',
};

/** The form's texts of a product. */
function textsOf(product: ProductFieldsFragment): typeof NEW {
  const { name, description, price, maxPerHold, maxPerCustomer, imageUrl } = product;
  return {
    name,
    description: description ?? '',
    price: price.amount,
    maxPerHold: String(maxPerHold),
    maxPerCustomer: String(maxPerCustomer ?? ''),
    saleStartsAt: toLocalInput(product.saleStartsAt),
    saleEndsAt: toLocalInput(product.saleEndsAt),
    imageUrl: imageUrl ?? '',
  };
}

const NAME = { name: 'name', label: 'Name', isRequired: true, maxLength: 200 };
const DESCRIPTION = { name: 'description', label: 'Description', maxLength: 5000 };
const PRICE = { name: 'price', label: 'Price', hint: 'a decimal such as 29.99', isRequired: true };
const PER_HOLD = { name: 'maxPerHold', label: 'Units in one hold, at most', min: 1 };
const PER_CUSTOMER = { name: 'maxPerCustomer', label: 'Units for one customer, at most', min: 1 };
const WINDOW = { kind: 'datetime-local', hint: 'in your time zone; empty: none' } as const;

/** The inputs of a product, filled with those of `product` if there is one. */
export function productFields(product?: ProductFieldsFragment): Field[] {
  const value = product === undefined ? NEW : textsOf(product);
  return [
    { ...NAME, value: value.name },
    { ...DESCRIPTION, kind: 'textarea', value: value.description },
    { ...PRICE, value: value.price },
    ...(product === undefined ? newFields() : []),
    { ...PER_HOLD, kind: 'number', value: value.maxPerHold, isRequired: true },
    { ...PER_CUSTOMER, kind: 'number', hint: 'empty: no limit', value: value.maxPerCustomer },
    { ...WINDOW, name: 'saleStartsAt', label: 'Sale starts', value: value.saleStartsAt },
    { ...WINDOW, name: 'saleEndsAt', label: 'Sale ends', value: value.saleEndsAt },
    { name: 'imageUrl', label: 'Image URL', hint: 'https', value: value.imageUrl },
  ];
}

/** What is set once, when the product is created. */
function newFields(): Field[] {
  return [
    { name: 'currency', label: 'Currency', hint: 'such as USD', isRequired: true, maxLength: 3 },
    { name: 'totalStock', label: 'Units for sale', kind: 'number', min: 0, isRequired: true },
  ];
}

/** The input of the API from the texts of the form; empty ones are null, which clears a field. */
export function productInput(values: Values) {
  const text = (name: keyof typeof NEW): string => values[name] ?? '';
  return {
    name: text('name'),
    price: text('price'),
    description: text('description') || null,
    maxPerHold: Number(text('maxPerHold')),
    maxPerCustomer: text('maxPerCustomer') === '' ? null : Number(text('maxPerCustomer')),
    saleStartsAt: fromLocalInput(text('saleStartsAt')),
    saleEndsAt: fromLocalInput(text('saleEndsAt')),
    imageUrl: text('imageUrl') || null,
  };
}
