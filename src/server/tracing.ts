import { register } from 'node:module';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { GraphQLInstrumentation } from '@opentelemetry/instrumentation-graphql';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** Running trace export. */
export interface Tracing {
  /** Sends the buffered spans and stops. */
  stop(): Promise<void>;
}

/** Not traced: one probe a second would make up most of the traces. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Sends traces from the request to the SQL to an OTLP/HTTP collector, with OpenTelemetry's own
 * instrumentations. Call it before the instrumented modules are loaded. Spans have no values of GraphQL
 * arguments, because those include tokens.
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
      // The scheduler queries every second; only queries of a request are traced.
      new PgInstrumentation({ requireParentSpan: true }),
    ],
  });
  return { stop: () => provider.shutdown() };
}
