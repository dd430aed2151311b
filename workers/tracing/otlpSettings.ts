/**
 * Where traces go, from OpenTelemetry's own environment variables. Without an endpoint there are none.
 *
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import { SegnoError } from '../../core/errors.js';

export interface OtlpSettings {
  /** Where spans are posted to. */
  readonly url: string;
  /** May hold a key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Spans wait so long for others to be sent with. */
  readonly delayMs: number;
  readonly resource: Readonly<Record<string, string>>;
  /** Share of the traces that are sent, 0 to 1; the same traces on every worker. */
  readonly ratio: number;
  readonly captureContent: boolean;
}

/** @throws SegnoError `Config.Invalid` */
export function otlpSettings(env: NodeJS.ProcessEnv): OtlpSettings | undefined {
  const read = (name: string): string | undefined => env[`OTEL_${name}`]?.trim() || undefined;
  const ofTraces = (name: string): string | undefined =>
    read(`EXPORTER_OTLP_TRACES_${name}`) ?? read(`EXPORTER_OTLP_${name}`);
  const endpoint = ofTraces('ENDPOINT');
  if (endpoint === undefined || read('SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  if (read('TRACES_EXPORTER') === 'none') return undefined;
  if (ofTraces('PROTOCOL') === 'grpc') {
    const message = 'OTEL_EXPORTER_OTLP_PROTOCOL is grpc; traces are sent over HTTP (http/json), usually to port 4318.';
    throw new SegnoError('Config.Invalid', message);
  }
  const url = read('EXPORTER_OTLP_TRACES_ENDPOINT') ?? `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  return {
    url: checkedUrl(url),
    headers: { ...pairs(read('EXPORTER_OTLP_HEADERS')), ...pairs(read('EXPORTER_OTLP_TRACES_HEADERS')) },
    timeoutMs: milliseconds('EXPORTER_OTLP_TIMEOUT', ofTraces('TIMEOUT'), 10_000),
    delayMs: milliseconds('BSP_SCHEDULE_DELAY', read('BSP_SCHEDULE_DELAY'), 5_000),
    resource: {
      'service.name': 'segno-worker',
      ...pairs(read('RESOURCE_ATTRIBUTES')),
      ...(read('SERVICE_NAME') !== undefined && { 'service.name': read('SERVICE_NAME')! }),
    },
    ratio: samplingRatio(read('TRACES_SAMPLER'), read('TRACES_SAMPLER_ARG')),
    captureContent: capturesContent(read('INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT')),
  };
}

/** The address may hold a password, so no message shows it. */
function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const why = !url
    ? 'is no URL'
    : !/^https?:$/.test(url.protocol)
      ? 'is no http(s) address'
      : url.username || url.password
        ? 'has a password in it; keys belong into OTEL_EXPORTER_OTLP_HEADERS'
        : undefined;
  if (why !== undefined) throw new SegnoError('Config.Invalid', `OTEL_EXPORTER_OTLP_ENDPOINT ${why}.`);
  return text;
}

/** `key=value,key2=value2`, percent-encoded. */
function pairs(text = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name !== undefined && value !== undefined) found[decoded(name)] = decoded(value);
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function milliseconds(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new SegnoError('Config.Invalid', `OTEL_${name} is ${text}, and should be a number of milliseconds.`);
}

function samplingRatio(sampler = 'parentbased_always_on', argument = '1'): number {
  const name = sampler.replace(/^parentbased_/, '');
  if (name === 'always_on') return 1;
  if (name === 'always_off') return 0;
  const ratio = Number(argument);
  if (name === 'traceidratio' && ratio >= 0 && ratio <= 1) return ratio;
  throw new SegnoError(
    'Config.Invalid',
    `OTEL_TRACES_SAMPLER is ${sampler} (${argument}), and should be always_on, always_off, or traceidratio with an argument from 0 to 1.`,
  );
}

/** Events are not sent, so content asked for as events alone is not either. */
function capturesContent(text = ''): boolean {
  return ['true', 'span_only', 'span_and_event'].includes(text.toLowerCase());
}
