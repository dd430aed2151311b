/**
 * Traces in W3C's form. What has to be known in several places is derived, not drawn: a run's trace and span from its run id, an agent's
 * span from its step's key. So no header travels with the steps, nothing of a trace is in history, and what a crash repeats has the
 * same place.
 */

/** A span, as the one under it names it. */
export interface TracePlace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

export type SpanAttribute = string | number | boolean | readonly string[];

export interface FinishedSpan extends TracePlace {
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly kind: 'internal' | 'client';
  /** Epoch milliseconds. */
  readonly startedMs: number;
  readonly endedMs: number;
  readonly attributes: Readonly<Record<string, SpanAttribute | undefined>>;
  /** Type of the error it ended with; never its message, which may quote what was said. */
  readonly errorType?: string | undefined;
}

/** Where the spans of a worker go. */
export interface SpanRecorder {
  record(span: FinishedSpan): void;
  /** Whether what was said belongs into them. */
  readonly captureContent: boolean;
}

/** @param callKey key of its call */
export function agentAttributes(agent: string, callKey: string): FinishedSpan['attributes'] {
  return { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': agent, 'gen_ai.conversation.id': callKey };
}

const traceparentPattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** @returns undefined for what is no `traceparent` of version 00 */
export function parseTraceparent(text: string): TracePlace | undefined {
  const [, traceId, spanId, flags] = traceparentPattern.exec(text.trim()) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TracePlace): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** The span of a run: its run id without dashes is its trace. @param above the span it was started in */
export function runPlace(runId: string, above?: TracePlace): TracePlace {
  const hex = runId.replaceAll('-', '').toLowerCase();
  const traceId = /^(?!0{32})[0-9a-f]{32}$/.test(hex) ? hex : `${spanIdOf(runId)}${spanIdOf(`${runId}#`)}`;
  return { traceId: above?.traceId ?? traceId, spanId: spanIdOf(runId), sampled: above?.sampled ?? true };
}

/** 64 bits of a text: two lanes of 32, mixed as MurmurHash3 finishes. Not for anything that has to be hard to guess. */
export function spanIdOf(text: string): string {
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x85ebca77);
    low = Math.imul(low ^ code, 0xc2b2ae3d);
    high = (high << 13) | (high >>> 19);
  }
  const first = mixed(high ^ mixed(low));
  const second = mixed(low ^ mixed(high ^ text.length));
  const hex = `${hex32(first)}${hex32(second)}`;
  return hex === '0'.repeat(16) ? `${'0'.repeat(15)}1` : hex;
}

function mixed(value: number): number {
  let mix = value ^ (value >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
