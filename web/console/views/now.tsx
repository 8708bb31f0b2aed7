import { useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { failureText } from '../client.ts';
import { ProductsDocument, StatusDocument, type StatusQuery } from '../generated/operations.ts';
import { useLiveStock } from '../live-stock.ts';
import { hrefOf, type Route } from '../route.ts';
import { ratesOf, type Rates, type Reading } from '../sale-figures.ts';
import { NeedsYou } from './needs-you.tsx';
import { Sale } from './sale.tsx';

/** How often the console reads the status; stock arrives in the stream. */
const STATUS_MS = 2000;

/** Products of the choice: the newest. */
const PRODUCTS = 50;

/** What needs a person, and one sale as it is now. */
export function Now({ params }: Pick<Route, 'params'>) {
  const { data, previousData, error } = useQuery(StatusDocument, { pollInterval: STATUS_MS });
  const status = data ?? previousData;
  const rates = useRates(data);
  return (
    <>
      {error && (
        <p role="alert" className="failure">
          {failureText(error)} The console shows what it last received.
        </p>
      )}
      {status && <NeedsYou status={status} />}
      <Sales chosenId={params.get('product')} rates={rates} />
    </>
  );
}

interface SalesProps {
  /** Null: the newest live sale. */
  readonly chosenId: string | null;
  readonly rates: Rates | null;
}

function Sales({ chosenId, rates }: SalesProps) {
  const { data } = useQuery(ProductsDocument, { variables: { first: PRODUCTS } });
  const products = data?.products.nodes ?? [];
  const live = useLiveStock(products.map(({ id }) => id));
  const chosen =
    products.find(({ id }) => id === chosenId) ??
    products.find(({ saleStatus }) => saleStatus === 'LIVE') ??
    products[0];
  if (chosen === undefined) return data && <p>There are no products yet.</p>;
  const show = (id: string): void => {
    window.location.hash = hrefOf('now', { product: id });
  };
  return (
    <>
      <label className="choice">
        Product
        <select value={chosen.id} onChange={(event) => show(event.target.value)}>
          {products.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Sale
        key={chosen.id}
        product={chosen}
        stock={live.products.get(chosen.id) ?? chosen}
        isLive={live.isLive}
        rates={rates}
      />
    </>
  );
}

/** Answers a second, from the last two readings of one server process. */
function useRates(status: StatusQuery | undefined): Rates | null {
  const [readings, setReadings] = useState<readonly Reading[]>([]);
  useEffect(() => {
    if (status === undefined) return;
    const { now, holdAnswers: answers } = status.shopStatus;
    setReadings((before) => [...before.slice(-1), { now, answers }]);
  }, [status]);
  const [before, after] = readings;
  return before === undefined || after === undefined ? null : ratesOf(before, after);
}
