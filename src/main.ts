import 'reflect-metadata';
import type { App } from './app.ts';
import type { Settings } from './config.ts';
import type { Logger } from './platform/log.ts';

/** The oldest Node that the ORM runs on; the project brings a newer one where it can. */
const NODE_MIN = [22, 17] as const;

/** The process: read the settings, start the app, stop it on a signal. */
async function main(): Promise<void> {
  requireNode();
  // Imported only now: an older Node would fail on the first of them with less plain words.
  const { startApp } = await import('./app.ts');
  const { readSettings } = await import('./config.ts');
  const { createLog } = await import('./platform/log.ts');
  const { isWorker, reportReady, startWorkers } = await import('./workers.ts');
  const settings = readSettings();
  const log = createLog(settings.LOG_LEVEL);
  // Once, beside the log and never through it: logs travel further than terminals.
  if (settings.adminTokenIsNew) {
    process.stderr.write(`Admin token, shown this once: ${settings.ADMIN_TOKEN}\n`);
  }
  const isPrimary = settings.WORKERS > 1 && !isWorker;
  const app = await (isPrimary ? startWorkers : startApp)(settings, log);
  const stop = stopOnSignals(app, log);
  if (isWorker) reportReady(app, stop);
  else log.info({ url: app.url }, readyLine(app, settings));
}

/** @throws PlainError on a Node that the server cannot run on */
function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    throw new PlainError(
      `This is Node ${process.versions.node}; start with Node ${NODE_MIN.join('.')} or newer.`,
    );
  }
}

/** Stops the app at the first signal and exits; at the second it exits at once. Gives the same stop. */
function stopOnSignals(app: App, log: Logger): () => void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    log.info({}, 'Stopping: no new work, what is under way is finished');
    app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'Not everything closed cleanly');
        process.exit(1);
      },
    );
  };
  // SIGHUP is not among them: a closed terminal must not end a sale that nohup keeps running.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (stopping ? process.exit(130) : stop()));
  }
  return stop;
}

function readyLine({ url }: App, { GRAPHQL_EXPLORER }: Settings): string {
  const explorer = GRAPHQL_EXPLORER ? ' (open it in a browser)' : '';
  return `Ready. GraphQL ${url}/graphql${explorer}, live stock ${url.replace('http', 'ws')}/graphql, webhook ${url}/api/payments/webhook`;
}

/** What a person can mend: told in its own words, without a stack. */
class PlainError extends Error {}

const PLAIN = ['SettingsError', 'NotReadyToStart', 'EmbeddedPostgresInUse', 'PortInUse'];

main().catch((error: unknown) => {
  const known = error instanceof Error ? error : new Error(String(error));
  const isPlain = known instanceof PlainError || PLAIN.includes(known.name);
  process.stderr.write(`${isPlain ? known.message : known.stack}\n`);
  process.exit(1);
});
