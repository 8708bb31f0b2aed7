import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { clientConfig, DatabaseClient, type Connection } from '../postgres/url/connection.ts';
import { reasonOf } from '../postgres/fault-log.ts';
import { destroy } from '../postgres/session/session.ts';
import type { Logger } from '../lib/log.ts';

/** The keys that changed, by topic: what the servers on one database send each other. */
export type Changes = Readonly<Record<string, readonly (string | number)[]>>;

/** Minimum time between two notifications: at most twenty a second for all keys together. */
const INTERVAL_MS = 50;

/** Postgres refuses a payload of 8000 bytes; a longer one is sent as a gap: "read everything". */
const PAYLOAD_BYTES_MAX = 7000;

/** Interval of heartbeats: notifications to this server itself, through the database. */
const HEARTBEAT_MS = 1000;

/** A connection without notifications for this long is replaced: less than five seconds with the heartbeat interval. */
const SILENCE_MS_MAX = 3500;

/** Timeout of one statement. */
const ANSWER_MS_MAX = 2000;

/** Maximum time that `stop` waits for the database to close the session. */
const CLOSE_MS_MAX = 1000;

const CHANNEL = 'flash_sale_changes';

/** Receives the changes of other servers. */
export interface ChangeListener {
  /** Another server changed these keys. */
  onChanges(changes: Changes): void;
  /** Notifications may have been missed: any key may have changed. */
  onGap(): void;
}

/**
 * Change notifications between servers that share a database: LISTEN and NOTIFY on a connection of its
 * own. Notifications are coalesced. They are never sent inside a transaction of the shop, because a
 * commit with NOTIFY takes one lock for the whole database.
 *
 * It is *connecting*, *connected* or *stopped*. A connection that ends, or whose heartbeats do not
 * arrive, is replaced by a new one. Notifications missed in between are reported as a gap.
 */
export class ChangeNotifier {
  readonly #connection: Connection;
  readonly #listener: ChangeListener;
  readonly #log: Logger;
  readonly #self = crypto.randomUUID();
  #unsent = new Map<string, Set<string | number>>();
  #sendTimer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #session: pg.Client | undefined;
  /** The session on which a notification is in flight: one at a time. */
  #notifying: pg.Client | undefined;
  #receivedAt = -Infinity;
  /** Whether nothing has arrived since the connection was lost, or since the start. */
  #isInterrupted = false;
  #stopped = new AbortController();

  constructor(connection: Connection, listener: ChangeListener, log: Logger) {
    this.#connection = connection;
    this.#listener = listener;
    this.#log = log;
  }

  /** Whether notifications arrive, without a query to the database. */
  get isReceiving(): boolean {
    return !this.#isInterrupted && performance.now() - this.#receivedAt <= SILENCE_MS_MAX;
  }

  /** When the last notification arrived, by `performance.now()`. */
  get receivedAt(): number {
    return this.#receivedAt;
  }

  /**
   * Connects, and retries until it succeeds. Without notifications a server sells, and reads live stock
   * each second.
   */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      this.#interrupted(reasonOf(error));
      void this.#reconnect();
    }
    this.#heartbeat = setInterval(() => this.#sendHeartbeat(), HEARTBEAT_MS);
  }

  /** Sends to the other servers that a key changed, soon and together with others. */
  publish(topic: string, keys: readonly (string | number)[]): void {
    const unsent = this.#unsent.get(topic) ?? new Set();
    for (const key of keys) unsent.add(key);
    this.#unsent.set(topic, unsent);
    this.#sendTimer ??= setTimeout(() => this.#sendOrWait(), INTERVAL_MS);
  }

  /** Sends the unsent changes and disconnects. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#heartbeat);
    clearTimeout(this.#sendTimer);
    const session = this.#session;
    if (this.#unsent.size > 0) this.#send();
    this.#session = undefined;
    if (session === undefined) return;
    const timeout = setTimeout(() => destroy(session), CLOSE_MS_MAX);
    await session.end().catch(() => {});
    clearTimeout(timeout);
  }

  #sendOrWait(): void {
    this.#sendTimer = undefined;
    if (this.#session === undefined || this.#notifying !== this.#session) return this.#send();
    // One is in flight: changes until its end are sent together.
    this.#sendTimer = setTimeout(() => this.#sendOrWait(), INTERVAL_MS);
  }

  #send(): void {
    const changes = Object.fromEntries(
      [...this.#unsent].map(([topic, keys]) => [topic, [...keys]]),
    );
    this.#unsent = new Map();
    const whole = JSON.stringify({ from: this.#self, changes });
    const fits = Buffer.byteLength(whole) <= PAYLOAD_BYTES_MAX;
    this.#notify(fits ? whole : JSON.stringify({ from: this.#self, gap: true }));
  }

  #sendHeartbeat(): void {
    if (this.#session === undefined) return;
    if (performance.now() - this.#receivedAt > SILENCE_MS_MAX)
      return this.#drop(this.#session, `nothing was received for ${SILENCE_MS_MAX} ms`);
    // A notification in flight arrives here too, as a heartbeat does.
    if (this.#notifying !== this.#session)
      this.#notify(JSON.stringify({ from: this.#self, beat: true }));
  }

  /** A failed notification loses no change: every server reads its watched products each second. */
  #notify(payload: string): void {
    const session = this.#session;
    this.#notifying = session;
    session
      ?.query('select pg_notify($1, $2)', [CHANNEL, payload])
      .catch(() => {})
      .finally(() => {
        if (this.#notifying === session) this.#notifying = undefined;
      });
  }

  async #connect(): Promise<void> {
    const session = new DatabaseClient({
      ...clientConfig(this.#connection, { applicationName: 'flash-sale notices' }),
      query_timeout: ANSWER_MS_MAX,
    });
    session.on('error', (error) => this.#drop(session, reasonOf(error)));
    session.on('end', () => this.#drop(session, 'the connection was closed'));
    session.on('notification', ({ payload }) => this.#receive(payload ?? ''));
    try {
      await session.connect();
      await session.query(`listen ${CHANNEL}`);
    } catch (error) {
      destroy(session);
      throw error;
    }
    // `stop` ran while this session was being opened, and did not close it.
    if (this.#stopped.signal.aborted) return session.end();
    this.#receivedAt = performance.now();
    this.#session = session;
    // Only an arrival shows that notifications work: a pooler may accept LISTEN and forward nothing.
    if (this.#isInterrupted) this.#sendHeartbeat();
  }

  #receive(payload: string): void {
    this.#receivedAt = performance.now();
    if (this.#isInterrupted) this.#log.info({}, 'Change notifications are received again');
    this.#isInterrupted = false;
    const message = parseMessage(payload);
    if (message?.from === this.#self) return;
    if (message?.changes) this.#listener.onChanges(message.changes);
    else if (!message?.beat) this.#listener.onGap();
  }

  #drop(session: pg.Client, reason: string): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    destroy(session);
    this.#interrupted(reason);
    void this.#reconnect();
  }

  /** Logs the first reason of an interruption; it lasts until a notification arrives. */
  #interrupted(reason: string): void {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#log.warn(
      {},
      `Change notifications are interrupted; live stock is read each second. The reason: ${reason}`,
    );
  }

  async #reconnect(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#connect();
        return this.#listener.onGap();
      } catch (error) {
        this.#interrupted(reasonOf(error));
        await delay(250, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => {});
      }
    }
  }
}

/** The payload of a notification; without changes and `beat` it reports a gap. */
interface Message {
  readonly from: string;
  readonly beat?: true;
  readonly changes?: Changes;
}

/** Undefined for a payload of another format: a newer server may have sent any change. */
function parseMessage(payload: string): Message | undefined {
  try {
    return JSON.parse(payload) as Message;
  } catch {
    return undefined;
  }
}
