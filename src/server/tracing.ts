import { register } from 'node:module';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { GraphQLInstrumentation } from '@opentelemetry/instrumentation-graphql';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** Traces that are being sent. */
export interface Tracing {
  /** Sends what waits, then no more. */
  stop(): Promise<void>;
}

/** What is asked often and says nothing: a probe a second would be most of the traces. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Traces from the request to the SQL, sent to an OTLP/HTTP collector by OpenTelemetry's own
 * instrumentations. To be called before the modules that they instrument are loaded, and only
 * where traces are wanted: not loaded, it costs nothing. Values of GraphQL's arguments are left out
 * of the spans, as tokens are among them.
 *
 * @param endpoint the collector's base URL
 */
export function startTracing(endpoint: string): Tracing {
  // ES modules are instrumented as they load, through a loader hook.
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'flash-sale-checkout' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  registerInstrumentations({
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url }) => PROBES.has(url ?? ''),
      }),
      new ExpressInstrumentation(),
      new GraphQLInstrumentation({ ignoreTrivialResolveSpans: true }),
      // The clockwork asks each second; only what belongs to a request is worth a trace.
      new PgInstrumentation({ requireParentSpan: true }),
    ],
  });
  return { stop: () => provider.shutdown() };
}
