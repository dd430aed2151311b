/** What the tree of a run's progress is made of: its steps, its maps, and the calls that wait. */
export interface ProgressStep {
  path: string;
  state: 'reserved' | 'sent' | 'done' | 'failed' | 'unknown';
  attempts: number;
  /** Of the first attempt. ISO 8601. */
  startedAt: string;
  finishedAt?: string | undefined;
  usage: { inputTokens: number; outputTokens: number; costUsd: number };
  error?: { type: string; message: string; retryable: boolean } | undefined;
  waitedMs?: number | undefined;
  /** `REASON at GATE` */
  waitedFor?: readonly string[] | undefined;
  fallbackFrom?: readonly { alias: string; for: string }[] | undefined;
  /** Output tokens it was given, when a budget made them fewer. */
  degradedTo?: number | undefined;
  tries?: readonly ProgressTry[] | undefined;
  guardrails?: readonly { action: 'block' | 'redact'; count: number }[] | undefined;
}

/** One attempt of several. */
export interface ProgressTry extends Pick<
  ProgressStep,
  'startedAt' | 'waitedMs' | 'fallbackFrom' | 'degradedTo' | 'error'
> {
  state: string;
  durationMs: number;
  /** The model's. */
  alias?: string | undefined;
  waitedFor?: string | undefined;
}

/** A model call that waits at the gate. */
export interface ProgressWait {
  /** Of its step. */
  path: string;
  /** `REASON at GATE`, or at a budget. */
  waitsFor: string;
  /** ISO 8601. */
  since: string;
  /** How many other calls wait there, before or after it. */
  others: number;
}

/** The items of a map, in numbers. */
export interface ProgressMap {
  /** `mapReduce#1/map`, or a level of its reduction. */
  path: string;
  items: number;
  done: number;
  running: number;
  failed: number;
  /** Effects whose outcome was lost. */
  unknown: number;
  startedAt: string;
  finishedAt?: string | undefined;
  usage: ProgressStep['usage'];
  /** Of the first item that failed. */
  error?: ProgressStep['error'];
}

/** `default (outage)` */
export function fallbackText({ alias, for: reason }: { alias: string; for: string }): string {
  return `${alias} (${reason})`;
}
