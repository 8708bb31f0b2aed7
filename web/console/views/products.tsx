import { useQuery } from '@apollo/client/react';
import { ProductsDocument, type ProductFieldsFragment } from '../generated/operations.ts';
import { useLiveStock } from '../live-stock.ts';
import { Badge } from '../parts/badge.tsx';
import { count, money, time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import { hrefOf } from '../route.ts';
import { CreateProduct, ProductActs } from './product-acts.tsx';

/** The products with their live stock, and the acts on them. */
export function Products() {
  const paging = usePaging();
  const variables = { first: PAGE_ROWS, after: paging.after };
  const { data, error, refetch } = useQuery(ProductsDocument, { variables });
  const live = useLiveStock(data?.products.nodes.map(({ id }) => id) ?? []);
  const stockOf = (product: ProductFieldsFragment) => live.products.get(product.id) ?? product;
  const columns: Column<ProductFieldsFragment>[] = [
    {
      head: 'Product',
      cell: ({ id, name }) => <a href={hrefOf('now', { product: id })}>{name}</a>,
    },
    { head: 'Id', cell: ({ id }) => id },
    { head: 'Sale', cell: (product) => <Badge status={stockOf(product).saleStatus} /> },
    { head: 'Price', cell: ({ price }) => money(price), isNumber: true },
    { head: 'Available', cell: (one) => count(stockOf(one).availableStock), isNumber: true },
    { head: 'Held', cell: (one) => count(stockOf(one).heldStock), isNumber: true },
    { head: 'Sold', cell: (one) => count(stockOf(one).soldStock), isNumber: true },
    { head: 'Starts', cell: ({ saleStartsAt }) => time(saleStartsAt) },
    { head: 'Ends', cell: ({ saleEndsAt }) => time(saleEndsAt) },
    {
      head: 'Acts',
      cell: (product) => (
        <ProductActs
          product={product}
          isPaused={stockOf(product).saleStatus === 'PAUSED'}
          version={stockOf(product).stockVersion}
          onDone={refetch}
        />
      ),
    },
  ];
  return (
    <>
      <CreateProduct onDone={refetch} />
      <List
        name="Products"
        connection={data?.products}
        error={error}
        columns={columns}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}
