import { Option, type Command } from 'commander';
import { positionBeforeLast, readEventFeed, type ShopEvent } from '../shop/events/list-events.ts';
import { SHOP_EVENT_TYPES, type ShopEventType } from '../shop/events/shop-event.rules.ts';
import type { Shop } from '../shop/shop.ts';
import { withDatabase } from './opened.ts';
import { productNames } from './product-names.ts';
import {
  statusOf,
  withJson,
  withPage,
  wholeNumber,
  type JsonOption,
  type ListOptions,
} from './options.ts';
import { answer, footer, oneLine, say, tableOf, type Shown } from './output.ts';
import { stopSignal, untilStopped } from './until-stopped.ts';

/** Milliseconds between two looks at the feed. */
const INTERVAL_MS = 250;

/** Events read at once. */
const PAGE = 100;

interface TypeOption {
  readonly type?: string;
}

/** Commands on events: events tail and listen. */
export function addEvents(program: Command): void {
  const events = program
    .command('events')
    .description('Show what happened, in the order of commits.');

  withType(withPage(events.command('tail', { isDefault: true }), wholeNumber))
    .description('Print the last events, or those after a position, the oldest first.')
    .action(tail);

  withType(withJson(events.command('listen')))
    .description(
      'Print events as they are committed, until the command is stopped; --json: one JSON value a line.',
    )
    .action(listen);
}

function withType(command: Command): Command {
  return command.addOption(
    new Option('--type <word>', 'filter by type').choices(
      SHOP_EVENT_TYPES.map((type) => type.toLowerCase()),
    ),
  );
}

function tail({ json, first, after, ...options }: ListOptions<number> & TypeOption): Promise<void> {
  const type = statusOf<ShopEventType>(options.type);
  return withDatabase(async (shop) => {
    const from = after ?? (await positionBeforeLast(shop, first, type));
    const { rows, totalCount } = await readEventFeed(shop, { first, after: from, type });
    const next = rows.at(-1)?.position ?? from;
    const named = await withNames(shop, rows);
    answer(json, { rows: named.map(full), totalCount, next }, () =>
      [
        ...(rows.length > 0 ? [tableOf(named.map(shown)), ''] : []),
        footer(rows.length, totalCount, next),
      ].join('\n'),
    );
  });
}

function listen({ json, ...options }: JsonOption & TypeOption): Promise<void> {
  const type = statusOf<ShopEventType>(options.type);
  const stopped = stopSignal();
  return withDatabase(async (shop) => {
    let after = await positionBeforeLast(shop, 0, null);
    await untilStopped(stopped, INTERVAL_MS, async () => {
      after = await printAfter(shop, { after, type, json });
    });
  });
}

/** Prints the events after a position; the position of the last one. */
async function printAfter(
  shop: Pick<Shop, 'database'>,
  query: { readonly after: number; readonly type: ShopEventType | null } & JsonOption,
): Promise<number> {
  let { after } = query;
  for (;;) {
    const { rows, hasNextPage } = await readEventFeed(shop, {
      first: PAGE,
      after,
      type: query.type,
    });
    const named = await withNames(shop, rows);
    for (const event of named) say(query.json ? JSON.stringify(full(event)) : lineOf(event));
    after = rows.at(-1)?.position ?? after;
    if (!hasNextPage) return after;
  }
}

/** An event with the current name of its product. */
type NamedEvent = ShopEvent & { readonly productName: string | null };

async function withNames(
  shop: Pick<Shop, 'database'>,
  events: readonly ShopEvent[],
): Promise<NamedEvent[]> {
  const nameOf = await productNames(shop, events);
  return events.map((event) => ({ ...event, productName: nameOf(event) }));
}

function shown({ productId: product, productName, ...event }: NamedEvent): Shown {
  const { position, at, type, orderId, id } = event;
  return { position, at, type, product, productName, orderId, id };
}

/** The event for scripts, its payload as JSON. */
function full({ payload, ...event }: NamedEvent): object {
  return { ...event, payload: payload === '' ? null : (JSON.parse(payload) as unknown) };
}

function lineOf({ at, type, productId, productName, orderId }: NamedEvent): string {
  const order = orderId === null ? '' : ` order ${orderId}`;
  const name = productName === null ? '' : ` (${oneLine(productName)})`;
  return `${at.toISOString()} ${type} product ${productId}${name}${order}`;
}
