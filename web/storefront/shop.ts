import { openShop } from '../../docs/examples/apollo-client/shop.ts';
import { openSocket } from '../../docs/examples/connection.ts';
import type { ShopClient, Stop } from '../../docs/examples/shop-client.ts';

/** The address of the API: beside the page, under any path prefix of a proxy. */
const url = new URL('graphql', window.location.href.replace(/[?#].*$/, ''));

const socket = openSocket(url.href.replace(/^http/, 'ws'));

/** The shop, for the whole life of the page. */
export const shop: ShopClient = openShop(url.href, socket);

/** Calls back when the live connection opens and when it is lost; it is opened again without help. */
export function onConnection(show: (isConnected: boolean) => void): Stop {
  const stops = [socket.on('connected', () => show(true)), socket.on('closed', () => show(false))];
  return () => stops.forEach((stop) => stop());
}
