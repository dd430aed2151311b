import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type FinishedSpan, formatTraceparent, parseTraceparent, runPlace, spanIdOf } from '../../core/trace.js';
import { otlpSettings, type OtlpSettings } from '../../workers/tracing/otlpSettings.js';
import { isSampled, SpanExporter } from '../../workers/tracing/spanExporter.js';
import { startTracing } from '../../workers/tracing/startTracing.js';
import { type Collector, startCollector } from '../integration/observe/collector.js';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

describe('ids of spans', () => {
  it('are 16 hexadecimal digits, never all zero, and differ for steps that differ', () => {
    const runId = randomUUID();
    const ids = new Set<string>();
    for (let step = 0; step < 200_000; step += 1) ids.add(spanIdOf(`${runId}/mapReduce#1/map/item#${step}/clerk#1`));
    expect(ids.size).toBe(200_000);
    fc.assert(fc.property(fc.string(), (text) => /^(?!0{16})[0-9a-f]{16}$/.test(spanIdOf(text))));
  });

  it('of a run say its run id', () => {
    const runId = randomUUID();
    expect(runPlace(runId)).toMatchObject({ traceId: runId.replaceAll('-', ''), sampled: true });
    expect(runPlace('not a uuid').traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('survive the way through a traceparent, and are refused where they are none', () => {
    const place = { ...runPlace(randomUUID()), sampled: false };
    expect(parseTraceparent(formatTraceparent(place))).toEqual(place);
    for (const text of [
      '',
      '01-x',
      `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
      `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
    ])
      expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe('the settings of traces', () => {
  it.each([
    ['without an endpoint', {}],
    ['when the SDK is switched off', { ...endpoint, OTEL_SDK_DISABLED: 'true' }],
    ['when traces go nowhere', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
  ])('are none %s', async (_, env) => {
    expect(otlpSettings(env)).toBeUndefined();
    expect(await startTracing(env)).toBeUndefined();
  });

  it('come from OpenTelemetry’s own variables', () => {
    expect(
      otlpSettings({
        ...endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, a=b=c',
        OTEL_SERVICE_NAME: 'desk',
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,host.name=h',
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      }),
    ).toEqual({
      url: 'http://127.0.0.1:4318/v1/traces',
      headers: { authorization: 'Bearer x', a: 'b=c' },
      ...{ timeoutMs: 10_000, delayMs: 5_000, ratio: 0.25, captureContent: false },
      resource: { 'service.name': 'desk', 'host.name': 'h' },
    });
    const own = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t.example/here' };
    expect(otlpSettings(own)?.url).toBe('https://t.example/here');
  });

  it.each(['true', 'SPAN_ONLY', 'SPAN_AND_EVENT'])('take what was said for %s', (value) => {
    const env = { ...endpoint, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: value };
    expect(otlpSettings(env)?.captureContent).toBe(true);
  });

  it.each(['false', 'NO_CONTENT', 'EVENT_ONLY', 'yes'])('take nothing that was said for %s', (value) => {
    const env = { ...endpoint, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: value };
    expect(otlpSettings(env)?.captureContent).toBe(false);
  });

  it.each([
    ['gRPC', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'http/json'],
    ['an address that is none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'is no URL'],
    ['another protocol', { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://c' }, 'is no http'],
    ['a sampler that is not known', { OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'jaeger_remote'],
    ['a ratio over one', { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, 'from 0 to 1'],
    ['a time that is none', { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }, 'soon'],
  ])('refuse %s', (_, env, message) => {
    expect(() => otlpSettings({ ...endpoint, ...env })).toThrow(message);
  });

  it('refuse a password in the address without showing it', () => {
    const refuse = (): unknown => otlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:geheim@host' });
    expect(refuse).toThrow(/OTEL_EXPORTER_OTLP_HEADERS/);
    expect(refuse).toThrow(/^(?!.*geheim)/);
  });

  it('sample the same traces everywhere, in the share asked for', () => {
    const ids = Array.from({ length: 20_000 }, () => randomUUID().replaceAll('-', ''));
    const taken = ids.filter((id) => isSampled(id, 0.25)).length;
    expect(taken / ids.length).toBeGreaterThan(0.23);
    expect(taken / ids.length).toBeLessThan(0.27);
    expect(ids.some((id) => isSampled(id, 0))).toBe(false);
    expect(ids.every((id) => isSampled(id, 1))).toBe(true);
  });
});

describe('the exporter', () => {
  let collector: Collector;
  const errors: string[] = [];
  const exporter = (more: Partial<OtlpSettings> = {}): SpanExporter => {
    const settings = otlpSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=geheim',
    })!;
    return new SpanExporter({ ...settings, delayMs: 10, ...more }, ({ message }) => errors.push(message));
  };
  const span = (): FinishedSpan => {
    const place = runPlace(randomUUID());
    return {
      ...place,
      name: 'x',
      kind: 'internal',
      startedMs: 1,
      endedMs: 2,
      attributes: { none: undefined, half: 0.5 },
    };
  };
  const begin = async (): Promise<void> => {
    errors.length = 0;
    collector = await startCollector();
  };
  afterEach(() => collector.close());

  it('sends again what a collector could not take at that moment', async () => {
    await begin();
    collector.answerWith(503, 429);
    const sending = exporter();
    sending.record(span());
    await expect.poll(() => collector.spans.length, { timeout: 10_000 }).toBe(1);
    expect(errors).toEqual([]);
    expect(collector.spans[0]).toMatchObject({ startTimeUnixNano: '1000000', attributes: { half: 0.5 } });
  });

  it('drops and tells what a collector refuses, without the key', async () => {
    await begin();
    collector.answerWith(401);
    const sending = exporter();
    sending.record(span());
    await sending.stop();
    expect(errors).toEqual(['1 spans were dropped: the collector answered 401']);
  });

  it('never holds more than it may, nor sends what is not sampled', async () => {
    await begin();
    const sending = exporter({ delayMs: 60_000 });
    sending.record({ ...span(), sampled: false });
    for (let count = 0; count < 6_000; count += 1) sending.record(span());
    await sending.stop();
    await sending.stop();
    expect(collector.spans.length).toBeLessThanOrEqual(4_096 + 512);
    const told = Number(/^(\d+) spans were dropped/.exec(errors[0] ?? '')?.[1]);
    expect(told + collector.spans.length).toBe(6_000);
  });

  it('ends at once when nobody is there', async () => {
    await begin();
    const sending = exporter({ url: 'http://127.0.0.1:9/v1/traces' });
    sending.record(span());
    await sending.stop();
    expect(errors).toEqual([expect.stringMatching(/^1 spans were dropped: the collector was not reached/)]);
  });
});
