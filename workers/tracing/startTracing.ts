import type { SpanRecorder } from '../../core/trace.js';
import { otlpSettings } from './otlpSettings.js';

export interface Tracing extends SpanRecorder {
  /** Send what is left. */
  stop(): Promise<void>;
}

/**
 * Traces to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names; undefined where it names none, and then nothing is loaded.
 *
 * @throws SegnoError `Config.Invalid`
 */
export async function startTracing(
  env: NodeJS.ProcessEnv,
  onError: (error: Error) => void = ({ message }) => console.error(`traces: ${message}`),
): Promise<Tracing | undefined> {
  const settings = otlpSettings(env);
  if (!settings) return undefined;
  const { SpanExporter } = await import('./spanExporter.js');
  return new SpanExporter(settings, onError);
}
