import 'reflect-metadata';
import type { App } from './app.ts';
import type { Settings } from './config/settings.ts';
import { markSecretPrinted } from './config/dev-secret.ts';
import type { Logger } from './lib/log.ts';
import { nodeComplaint, VERSION } from './lib/version.ts';

/** The process: read the settings, start the app, stop it on a signal. */
async function main(): Promise<void> {
  if (process.argv[2] === '--version') return void process.stdout.write(`${VERSION}\n`);
  const complaint = nodeComplaint();
  if (complaint !== undefined) throw new PlainError(complaint);
  // Imported only now: an older Node would fail on the first of them with less plain words.
  const { readSettings } = await import('./config/settings.ts');
  const settings = readSettings();
  const tracing = await traced(settings);
  const { startApp, webhookPaths } = await import('./app.ts');
  const { createLog, isReadable } = await import('./lib/log.ts');
  const { isWorker, reportReady, startWorkers, stopAtPrimarysWord } = await import('./workers.ts');
  const readable = isReadable(process.stdout, settings.production);
  const log = createLog(settings.LOG_LEVEL, undefined, { readable });
  if (settings.adminTokenIsNew) showAdminToken(settings);
  const isPrimary = settings.WORKERS > 1 && !isWorker;
  const starting = (isPrimary ? startWorkers : startApp)(settings, log);
  const stop = stopOnce({ starting, tracing, settings }, log);
  if (isWorker) stopAtPrimarysWord(stop);
  else stopOnSignals(stop);
  const app = await starting;
  if (isWorker) reportReady(app);
  else
    log.info({ url: app.url, version: VERSION }, readyLine(app, settings, webhookPaths(settings)));
}

/** Once, beside the log and never through it: logs travel further than terminals. */
function showAdminToken({ ADMIN_TOKEN, DATA_DIR }: Settings): void {
  process.stderr.write(`Admin token, shown this once: ${ADMIN_TOKEN}\n`);
  markSecretPrinted(DATA_DIR, 'admin-token');
}

/** Starts tracing where it is wanted, before anything that is to be traced is loaded. */
async function traced({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }: Settings): Promise<Stoppable> {
  if (endpoint === undefined) return { stop: async () => {} };
  const { startTracing } = await import('./server/tracing.ts');
  return startTracing(endpoint);
}

interface Stoppable {
  stop(): Promise<void>;
}

/** What runs from the start to the stop. */
interface Running {
  readonly starting: Promise<App>;
  readonly tracing: Stoppable;
  readonly settings: Settings;
}

/**
 * What a stop may take after the grace is over and all is cut: the embedded database closes within
 * it. Whatever hangs even then ends with the process.
 */
const AFTERMATH_MS = 10_000;

/** A stop that may be asked for at any time, the start included, and any number of times. */
function stopOnce({ starting, tracing, settings }: Running, log: Logger): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    log.info({}, 'Stopping: no new work, what is under way is finished');
    const limitMs = settings.SHUTDOWN_GRACE_SECONDS * 1000 + AFTERMATH_MS;
    setTimeout(() => {
      log.error({}, 'The stop took too long; the process ends as it is');
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

/** The first signal stops, the second ends the process at once. */
function stopOnSignals(stop: () => void): void {
  let signals = 0;
  // SIGHUP is not among them: a closed terminal must not end a sale that nohup keeps running.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(130);
      stop();
    });
  }
}

function readyLine({ url }: App, settings: Settings, webhooks: readonly string[]): string {
  const explorer = settings.GRAPHQL_EXPLORER ? ' (open it in a browser)' : '';
  const parts = [
    `GraphQL ${url}/graphql${explorer}`,
    `live stock ${url.replace('http', 'ws')}/graphql`,
    ...webhooks.map((path) => `webhook ${url}${path}`),
  ];
  return `Ready. ${parts.join(', ')} (version ${VERSION}, Node ${process.versions.node})`;
}

/** What a person can mend: told in its own words, without a stack. */
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
