import { isFault, UnavailableFault } from '../../lib/faults.ts';
import { firstIdAt } from '../../lib/ids.ts';
import { canonicalDecimal, receivedText } from '../../lib/money.ts';
import { allowLongStatements, transact } from '../../postgres/transaction.ts';
import type { PaymentProvider, ProviderPayment } from '../payments/providers/payment-provider.ts';
import { badUserInput, type BadUserInput } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { Totals, type MoneyText } from './totals.ts';

/** Money of one provider over a time: what it took, and what the shop recorded. */
export interface ProviderReconciliation {
  readonly provider: string;
  readonly from: Date;
  readonly to: Date;
  /** What the provider took, one total for each currency. */
  readonly providerTotal: readonly MoneyText[];
  /** What the inbox has of these payments, and of payments that only the inbox has. */
  readonly recordedTotal: readonly MoneyText[];
  /** One sentence for each payment on one side only, or with another amount. */
  readonly findings: readonly string[];
}

/** Which payments to compare. */
export interface ProviderRange {
  readonly provider: string;
  readonly from: Date;
  /** The end, which is not part of the range. */
  readonly to: Date;
}

/** Longest range, in days: the ids of its payments are kept in memory. */
const DAYS_MAX = 31;

/** Most findings with a sentence of their own; more have one cause. */
const FINDINGS_MAX = 1000;

/** Payments that are compared by one statement. */
const PAGE = 500;

const DAY_MS = 24 * 3600_000;

/**
 * Compares the successful payments of a provider with the inbox, in both directions. A payment that was made
 * before the range and received in it is asked for by its id, and is no finding.
 *
 * @throws UnavailableFault if the provider does not answer
 */
export async function reconcileProvider(
  shop: Pick<Shop, 'database' | 'paymentProviders'>,
  range: ProviderRange,
): Promise<ProviderReconciliation | BadUserInput> {
  const provider = shop.paymentProviders.get(range.provider);
  const wrong = wrongWithRange(range, provider);
  if (wrong !== undefined) return badUserInput(wrong);
  const comparison = new Comparison(shop, provider as ListingProvider, range);
  try {
    await comparison.compareListed();
    await comparison.compareRecorded();
  } catch (error) {
    if (isFault(error)) throw error;
    const { message } = error as Error;
    throw new UnavailableFault(`The provider ${range.provider} failed: ${message}`, {
      cause: error,
    });
  }
  return comparison.result();
}

/** A provider whose payments can be listed. */
type ListingProvider = Pick<PaymentProvider, 'inboxName' | 'paymentPrefix'> &
  Required<Pick<PaymentProvider, 'list' | 'find'>>;

function wrongWithRange(
  { provider: name, from, to }: ProviderRange,
  provider: PaymentProvider | undefined,
): string | undefined {
  if (provider === undefined) return `provider is ${name}; no such provider is configured.`;
  if (provider.list === undefined || provider.find === undefined)
    return `provider is ${name}; its payments cannot be listed.`;
  if (from >= to) return 'to must be after from.';
  return to.getTime() - from.getTime() > DAYS_MAX * DAY_MS
    ? `The range is longer than ${DAYS_MAX} days.`
    : undefined;
}

/** A successful payment in the inbox. */
interface RecordedPayment {
  readonly paymentId: string;
  readonly amount: string | null;
  readonly currency: string | null;
}

/**
 * The recorded successes of some payments, by the indexes that the inbox has: credited payments by their
 * id, others by their order, and those without an order.
 */
const RECORDED = `
  with success as (
    select payment_id, amount, currency, received_at from payment_events
    where provider = $1 and payment_id = any($2::text[]) and counted
    union all
    select payment_id, amount, currency, received_at from payment_events
    where order_id = any($3::uuid[]) and provider = $1 and payment_id = any($2::text[])
      and reported_status = 'success'
    union all
    select payment_id, amount, currency, received_at from payment_events
    where order_id is null and reported_status = 'success' and provider = $1
      and payment_id = any($2::text[]))
  select distinct on (payment_id) payment_id as "paymentId", amount::text, currency
  from success order by payment_id, received_at`;

/** Ids begin with the time of their process, which may differ from the database's clock by some seconds. */
const RECEIVED = `
  select id, payment_id as "paymentId", amount::text, currency from payment_events
  where id > $1::uuid and received_at >= $2::timestamptz and received_at < $3::timestamptz
    and provider = $4 and reported_status = 'success' and starts_with(payment_id, $5)
  order by id limit ${PAGE}`;

class Comparison {
  readonly #shop: Pick<Shop, 'database'>;
  readonly #provider: ListingProvider;
  readonly #range: ProviderRange;
  readonly #taken = new Totals();
  readonly #recorded = new Totals();
  readonly #compared = new Set<string>();
  readonly #findings: string[] = [];
  #found = 0;

  constructor(shop: Pick<Shop, 'database'>, provider: ListingProvider, range: ProviderRange) {
    this.#shop = shop;
    this.#provider = provider;
    this.#range = range;
  }

  /** Compares what the provider lists with the inbox. */
  async compareListed(): Promise<void> {
    let page: ProviderPayment[] = [];
    for await (const payment of this.#provider.list(this.#range)) {
      page.push(payment);
      if (page.length < PAGE) continue;
      await this.#comparePage(page);
      page = [];
    }
    await this.#comparePage(page);
  }

  /** Compares what the inbox received in the range, and the provider did not list. */
  async compareRecorded(): Promise<void> {
    const { from, to } = this.#range;
    let after = firstIdAt(new Date(from.getTime() - DAY_MS));
    for (;;) {
      const { inboxName, paymentPrefix = '' } = this.#provider;
      const params = [after, from, to, inboxName, paymentPrefix];
      const rows = await this.#rows<RecordedPayment & { readonly id: string }>(RECEIVED, params);
      for (const row of rows) await this.#compareRow(row);
      if (rows.length < PAGE) return;
      after = rows.at(-1)!.id;
    }
  }

  result(): ProviderReconciliation {
    const more = this.#found - this.#findings.length;
    return {
      ...this.#range,
      providerTotal: this.#taken.list(),
      recordedTotal: this.#recorded.list(),
      findings: more > 0 ? [...this.#findings, `${more} more findings.`] : this.#findings,
    };
  }

  async #comparePage(payments: readonly ProviderPayment[]): Promise<void> {
    const ids = payments.map(({ id }) => id);
    const orderIds = payments.flatMap(({ orderId }) => orderId ?? []);
    const rows = await this.#rows<RecordedPayment>(RECORDED, [
      this.#provider.inboxName,
      ids,
      orderIds,
    ]);
    const recorded = new Map(rows.map((row) => [row.paymentId, row]));
    for (const payment of payments) {
      this.#compared.add(payment.id);
      this.#taken.add(payment);
      this.#compare(payment, recorded.get(payment.id));
    }
  }

  #compare(payment: ProviderPayment, recorded: RecordedPayment | undefined): void {
    const { id, amount, currency } = payment;
    if (recorded === undefined)
      return this.#find(
        `Payment ${id}: the provider took ${amount} ${currency}; none is recorded.`,
      );
    this.#recorded.add(recorded);
    const isSame =
      recorded.currency === currency &&
      recorded.amount !== null &&
      canonicalDecimal(recorded.amount) === canonicalDecimal(amount);
    if (!isSame)
      this.#find(
        `Payment ${id}: the provider took ${amount} ${currency}; ${textOf(recorded)} is recorded.`,
      );
  }

  async #compareRow(recorded: RecordedPayment): Promise<void> {
    const { paymentId } = recorded;
    if (this.#compared.has(paymentId)) return;
    this.#compared.add(paymentId);
    const payment = await this.#provider.find(paymentId);
    // Made outside the range, and recorded with the same money.
    if (payment !== null && textOf(recorded) === textOf(payment)) return;
    this.#recorded.add(recorded);
    this.#find(
      payment === null
        ? `Payment ${paymentId}: ${textOf(recorded)} is recorded; the provider has no such payment.`
        : `Payment ${paymentId}: the provider took ${textOf(payment)}; ${textOf(recorded)} is recorded.`,
    );
  }

  #find(sentence: string): void {
    this.#found += 1;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(sentence);
  }

  #rows<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
    return transact(this.#shop.database, async (tx) => {
      await allowLongStatements(tx);
      return tx.rows<Row>(statement, params);
    });
  }
}

function textOf({ amount, currency }: Pick<RecordedPayment, 'amount' | 'currency'>): string {
  if (amount === null || currency === null) return 'an unknown amount';
  return `${receivedText(amount, currency)} ${currency}`;
}
