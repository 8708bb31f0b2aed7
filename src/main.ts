import 'reflect-metadata';
import type { App } from './app.ts';
import type { Settings } from './config/domain-settings.ts';
import { markSecretPrinted } from './config/dev-secret.ts';
import type { Logger } from './lib/log.ts';
import { nodeComplaint, VERSION } from './lib/version.ts';

/** The server process: reads the settings, starts the app and stops it on a signal. */
async function main(): Promise<void> {
  if (process.argv[2] === '--version') return void process.stdout.write(`${VERSION}\n`);
  const complaint = nodeComplaint();
  if (complaint !== undefined) throw new PlainError(complaint);
  // Imported after the version check: an older Node fails to load these with an unclear error.
  const { readSettings } = await import('./config/settings.ts');
  const settings = readSettings();
  const tracing = await startTracingIfSet(settings);
  const { startApp } = await import('./app.ts');
  const { webhookPaths } = await import('./server/providers/providers.ts');
  const { createLog, isReadable } = await import('./lib/log.ts');
  const { isWorker, reportReady, startWorkers, stopOnPrimaryMessage } =
    await import('./workers.ts');
  const readable = isReadable(process.stdout, settings.production);
  const log = createLog(settings.logLevel, undefined, { readable });
  if (settings.adminTokenIsNew) printAdminToken(settings);
  const isPrimary = settings.workers > 1 && !isWorker;
  const starting = (isPrimary ? startWorkers : startApp)(settings, log);
  const stop = stopOnce({ starting, tracing, settings }, log);
  if (isWorker) stopOnPrimaryMessage(stop);
  else stopOnSignals(stop);
  const app = await starting;
  if (isWorker) reportReady(app);
  else
    log.info({ url: app.url, version: VERSION }, readyLine(app, settings, webhookPaths(settings)));
}

/** Prints the token once to stderr, never to the log: logs are copied to more places than terminals. */
function printAdminToken({ adminToken, dataDir }: Settings): void {
  process.stderr.write(`Admin token, shown this once: ${adminToken}\n`);
  markSecretPrinted(dataDir, 'admin-token');
}

/** Starts tracing if it is configured, before the modules that it instruments are loaded. */
async function startTracingIfSet({ tracesUrl }: Settings): Promise<Stoppable> {
  if (tracesUrl === undefined) return { stop: async () => {} };
  const { startTracing } = await import('./server/tracing.ts');
  return startTracing(tracesUrl);
}

interface Stoppable {
  stop(): Promise<void>;
}

/** What a stop ends. */
interface Running {
  readonly starting: Promise<App>;
  readonly tracing: Stoppable;
  readonly settings: Settings;
}

/**
 * Time for a stop after the grace period, in which the embedded database closes. After it, the process
 * exits even if something hangs.
 */
const FORCED_STOP_MS = 10_000;

/** Returns a stop function that is safe to call at any time, also during the start, and repeatedly. */
function stopOnce({ starting, tracing, settings }: Running, log: Logger): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    log.info({}, 'Stopping: finishing requests in flight, accepting no new ones');
    const limitMs = settings.graceMs + FORCED_STOP_MS;
    setTimeout(() => {
      log.error({}, 'Shutdown timed out; exiting');
      process.exit(1);
    }, limitMs).unref();
    starting
      .then((app) => app.stop())
      .then(() => tracing.stop().catch(() => {}))
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'Not everything closed cleanly');
          process.exit(1);
        },
      );
  };
}

/** The first signal starts a graceful stop; the second exits at once. */
function stopOnSignals(stop: () => void): void {
  let signals = 0;
  // SIGHUP is ignored here: a closed terminal must not end a sale that runs under nohup.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(130);
      stop();
    });
  }
}

function readyLine({ url }: App, settings: Settings, webhooks: readonly string[]): string {
  const explorer = settings.explorer ? ' (open it in a browser)' : '';
  const parts = [
    `GraphQL ${url}/graphql${explorer}`,
    `live stock ${url.replace('http', 'ws')}/graphql`,
    ...webhooks.map((path) => `webhook ${url}${path}`),
  ];
  return `Ready. ${parts.join(', ')} (version ${VERSION}, Node ${process.versions.node})`;
}

/** An error that an admin can fix: printed as its message, without a stack. */
class PlainError extends Error {}

const PLAIN = [
  'SettingsError',
  'NotReadyToStart',
  'EmbeddedPostgresInUse',
  'PortUnavailable',
  'WorkerNotStarted',
];

main().catch((error: unknown) => {
  const known = error instanceof Error ? error : new Error(String(error));
  const isPlain = known instanceof PlainError || PLAIN.includes(known.name);
  process.stderr.write(`${isPlain ? known.message : known.stack}\n`);
  process.exit(1);
});
