/**
 * Sends spans to a collector: OTLP over HTTP, as JSON.
 *
 * Invariants:
 * 1. Work never waits for it, and never fails by it: what is too much, or is not taken in time, is dropped, counted and told.
 * 2. Of a trace that is not sampled nothing is sent, by any worker.
 * 3. Headers, which may hold a key, are in no message.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FinishedSpan, SpanRecorder } from '../../core/trace.js';
import { otlpJson } from './otlpJson.js';
import type { OtlpSettings } from './otlpSettings.js';

const mostQueued = 4_096;
const atOnce = 512;
const pausesMs = [500, 1_000, 2_000, 4_000];
/** What the collector may take when it is asked again. */
const passing = new Set([408, 429, 502, 503, 504]);

export class SpanExporter implements SpanRecorder {
  private readonly queue: FinishedSpan[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private dropped = 0;
  private stopping = false;

  constructor(
    private readonly settings: OtlpSettings,
    private readonly onError: (error: Error) => void,
  ) {}

  get captureContent(): boolean {
    return this.settings.captureContent;
  }

  record(span: FinishedSpan): void {
    if (!span.sampled || !isSampled(span.traceId, this.settings.ratio)) return;
    if (this.queue.length >= mostQueued) {
      this.dropped += 1;
      return;
    }
    this.queue.push(span);
    if (this.queue.length >= atOnce) this.send();
    else this.timer ??= setTimeout(() => this.send(), this.settings.delayMs).unref();
  }

  /** Send what is left, for as long as one request may take. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.send();
    await this.sending;
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.drain().finally(() => {
      this.sending = undefined;
    });
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, atOnce);
      const failure = await this.post(otlpJson(batch, this.settings.resource));
      const lost = this.dropped + (failure === undefined ? 0 : batch.length);
      this.dropped = 0;
      if (lost > 0) this.onError(new Error(`${lost} spans were dropped: ${failure ?? 'there were too many at once'}`));
    }
  }

  /** @returns why it was not taken */
  private async post(body: string): Promise<string | undefined> {
    const { url, headers, timeoutMs } = this.settings;
    for (let tries = 0; ; tries += 1) {
      let reason: string;
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const request = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body, signal };
        const response = await fetch(url, request);
        await response.body?.cancel();
        if (response.ok) return undefined;
        reason = `the collector answered ${response.status}`;
        if (!passing.has(response.status)) return reason;
      } catch (error) {
        const cause =
          error instanceof Error ? ((error.cause as { code?: string } | undefined)?.code ?? error.name) : '';
        reason = `the collector was not reached (${cause})`;
      }
      const pauseMs = pausesMs[tries];
      if (pauseMs === undefined || this.stopping) return reason;
      await delay(pauseMs, undefined, { ref: false });
    }
  }
}

/** By the last 52 bits of the trace's id, so that all workers decide alike. */
export function isSampled(traceId: string, ratio: number): boolean {
  return ratio >= 1 || Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52;
}
