import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { clientConfig, DatabaseClient, type Connection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/fault-log.ts';
import { destroy } from '../postgres/session.ts';
import type { Logger } from '../lib/log.ts';

/** What servers on one database send each other: which keys changed, by topic. */
export type Changes = Readonly<Record<string, readonly (string | number)[]>>;

/** Notices leave at most this often: twenty a second for all keys together. */
const INTERVAL_MS = 50;

/** Postgres refuses a payload of 8000 bytes; what does not fit is sent as "look at everything". */
const PAYLOAD_BYTES_MAX = 7000;

/** A beat to oneself, through the database; one that does not come back means a dead line. */
const HEARTBEAT_MS = 1000;

/** How long the line may be silent before it is given up: with the beat that notices it, less than five seconds. */
const SILENCE_MS_MAX = 3500;

/** A database that does not answer a statement within this is tried again. */
const ANSWER_MS_MAX = 2000;

/** How long a stop waits for the database to close the session. */
const CLOSE_MS_MAX = 1000;

const CHANNEL = 'flash_sale_changes';

/** What the board calls. */
export interface NoticeListener {
  /** Another server changed these. */
  onChanges(changes: Changes): void;
  /** Notices may have been missed: look at everything. */
  onGap(): void;
}

/**
 * The board on which servers that share a database report to each other what they committed: LISTEN and
 * NOTIFY on a connection of its own, coalesced, and never inside a transaction of the shop, because
 * a commit that carries NOTIFY takes one lock for the whole database.
 *
 * It is *connecting*, *connected* or *stopped*. A connection that ends, or that is silent for so
 * long although it beats, is replaced by a new one; what was missed meanwhile is reported as a gap.
 */
export class ChangeNotifier {
  readonly #connection: Connection;
  readonly #listener: NoticeListener;
  readonly #log: Logger;
  readonly #self = crypto.randomUUID();
  #waiting = new Map<string, Set<string | number>>();
  #leaving: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #session: pg.Client | undefined;
  /** The session on which a notice is under way: one at a time. */
  #notifying: pg.Client | undefined;
  #receivedAt = -Infinity;
  /** Whether nothing has arrived since the line was last lost, or was never had. */
  #isInterrupted = false;
  #stopped = new AbortController();

  constructor(connection: Connection, listener: NoticeListener, log: Logger) {
    this.#connection = connection;
    this.#listener = listener;
    this.#log = log;
  }

  /** Whether notifications arrive: known at all times, without asking the database. */
  get isReceiving(): boolean {
    return !this.#isInterrupted && performance.now() - this.#receivedAt <= SILENCE_MS_MAX;
  }

  /** When the database last answered on this line, as `performance.now()` counts. */
  get receivedAt(): number {
    return this.#receivedAt;
  }

  /**
   * Connects. Where that fails it goes on trying: a server sells without notifications, and reads live
   * stock each second.
   */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      this.#interrupted(reasonOf(error));
      void this.#reconnect();
    }
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Sends to the other servers that a key changed, soon and together with others. */
  publish(topic: string, keys: readonly (string | number)[]): void {
    const known = this.#waiting.get(topic) ?? new Set();
    for (const key of keys) known.add(key);
    this.#waiting.set(topic, known);
    this.#leaving ??= setTimeout(() => this.#sendInTurn(), INTERVAL_MS);
  }

  /** Sends what waits and disconnects. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#heartbeat);
    clearTimeout(this.#leaving);
    const session = this.#session;
    if (this.#waiting.size > 0) this.#send();
    this.#session = undefined;
    if (session === undefined) return;
    const timeout = setTimeout(() => destroy(session), CLOSE_MS_MAX);
    await session.end().catch(() => {});
    clearTimeout(timeout);
  }

  #sendInTurn(): void {
    this.#leaving = undefined;
    if (this.#session === undefined || this.#notifying !== this.#session) return this.#send();
    // The one before it is not through: what changes meanwhile goes with this one.
    this.#leaving = setTimeout(() => this.#sendInTurn(), INTERVAL_MS);
  }

  #send(): void {
    const changes = Object.fromEntries(
      [...this.#waiting].map(([topic, keys]) => [topic, [...keys]]),
    );
    this.#waiting = new Map();
    const whole = JSON.stringify({ from: this.#self, changes });
    const fits = Buffer.byteLength(whole) <= PAYLOAD_BYTES_MAX;
    this.#notify(fits ? whole : JSON.stringify({ from: this.#self, gap: true }));
  }

  #beat(): void {
    if (this.#session === undefined) return;
    if (performance.now() - this.#receivedAt > SILENCE_MS_MAX)
      return this.#drop(this.#session, `nothing was received for ${SILENCE_MS_MAX} ms`);
    // A notice under way comes back as a beat does.
    if (this.#notifying !== this.#session)
      this.#notify(JSON.stringify({ from: this.#self, beat: true }));
  }

  /** A notice that cannot be sent is not lost: every server reads what is watched each second. */
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
    // Stopped meanwhile: nothing else would end it.
    if (this.#stopped.signal.aborted) return session.end();
    this.#receivedAt = performance.now();
    this.#session = session;
    // Only what comes back shows that notifications arrive: a pooler may take LISTEN and pass nothing on.
    if (this.#isInterrupted) this.#beat();
  }

  #receive(payload: string): void {
    this.#receivedAt = performance.now();
    if (this.#isInterrupted) this.#log.info({}, 'Change notifications are received again');
    this.#isInterrupted = false;
    const notice = readNotice(payload);
    if (notice?.from === this.#self) return;
    if (notice?.changes) this.#listener.onChanges(notice.changes);
    else if (!notice?.beat) this.#listener.onGap();
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

interface Notice {
  readonly from: string;
  readonly beat?: true;
  readonly changes?: Changes;
}

/** What was said; undefined where it is none of our words, and so may mean anything. */
function readNotice(payload: string): Notice | undefined {
  try {
    return JSON.parse(payload) as Notice;
  } catch {
    return undefined;
  }
}
