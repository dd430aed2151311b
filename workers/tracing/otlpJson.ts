import type { FinishedSpan, SpanAttribute } from '../../core/trace.js';

const kinds = { internal: 1, client: 3 } as const;
const statusError = 2;
/** A collector may refuse a whole request for one value that is too long. */
const longestText = 64_000;

/** Spans as the body of an OTLP request: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function otlpJson(spans: readonly FinishedSpan[], resource: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: 'segno' }, spans: spans.map(otlpSpan) }],
      },
    ],
  });
}

function otlpSpan({ errorType, attributes, ...span }: FinishedSpan): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanoseconds(span.startedMs),
    endTimeUnixNano: nanoseconds(Math.max(span.startedMs, span.endedMs)),
    attributes: keyValues({ ...attributes, ...(errorType !== undefined && { 'error.type': errorType }) }),
    status: errorType === undefined ? {} : { code: statusError },
  };
}

function keyValues(attributes: FinishedSpan['attributes']): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: SpanAttribute): object {
  if (typeof value === 'string') return { stringValue: value.slice(0, longestText) };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map(anyValue) } };
}

function nanoseconds(epochMs: number): string {
  return `${Math.round(epochMs)}000000`;
}
