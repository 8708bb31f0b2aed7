import { readClock } from '../../postgres/clock.ts';
import type { Database } from '../../postgres/database.ts';
import { transact } from '../../postgres/transaction.ts';
import { createProduct, type NewProduct } from './create-product.ts';

/** The sale of the third product opens a day after the first start: an example of an upcoming sale. */
const DAY_MS = 24 * 3600 * 1000;

const COMMON = {
  description: null,
  maxPerHold: 10,
  maxPerCustomer: null,
  saleStartsAt: null,
  saleEndsAt: null,
  imageUrl: null,
};

/** The demo sale. The README's commands use its ids 1, 2 and 3. */
const demoSale = (now: Date): NewProduct[] => [
  { ...COMMON, name: 'Flash Sale Widget', price: '29.99', currency: 'USD', totalStock: 100 },
  {
    ...COMMON,
    name: 'Midnight Sneaker',
    price: '149.00',
    currency: 'EUR',
    totalStock: 25,
    maxPerCustomer: 2,
  },
  {
    ...COMMON,
    name: "Tomorrow's Console",
    price: '49900',
    currency: 'JPY',
    totalStock: 500,
    saleStartsAt: new Date(now.getTime() + DAY_MS),
  },
];

/** Creates the demo products in an empty catalogue, all or none; whether it did. */
export function seedDemo(database: Database): Promise<boolean> {
  return transact(database, async (tx) => {
    const [known] = await tx.rows<object>('select id from products limit 1', []);
    if (known !== undefined) return false;
    for (const product of demoSale(await readClock(tx))) await createProduct(tx, product);
    return true;
  });
}
