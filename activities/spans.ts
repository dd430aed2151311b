/**
 * The spans of model calls and tools, by OpenTelemetry's conventions for generative AI (attributes `gen_ai.…`; what they have no word
 * for is `segno.…`).
 *
 * Invariants:
 * 1. What was said (prompts, answers, arguments, results) is in a span only if the operator has asked for it.
 * 2. An error is told by its type alone: messages quote what was said.
 * 3. One span is one attempt. An attempt whose worker was killed has none; its step's next attempt has.
 */
import { randomBytes } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { RunContext } from '../core/contracts.js';
import {
  type FinishedSpan,
  parseTraceparent,
  runPlace,
  spanIdOf,
  type SpanRecorder,
  type TracePlace,
} from '../core/trace.js';
import type { StepIdentity } from './dependencies.js';

/** A span that has begun. */
export class OpenSpan {
  readonly place: TracePlace;
  private readonly startedMs = Date.now();

  constructor(
    private readonly recorder: SpanRecorder,
    private readonly name: string,
    private readonly kind: FinishedSpan['kind'],
    private readonly parent: TracePlace,
    private readonly attributes: FinishedSpan['attributes'],
  ) {
    this.place = { ...parent, spanId: randomBytes(8).toString('hex') };
  }

  /** @param content what was said, asked for only where it is captured */
  end(
    end: { attributes?: FinishedSpan['attributes']; errorType?: string },
    content: () => FinishedSpan['attributes'] = () => ({}),
  ): void {
    this.recorder.record({
      ...this.place,
      parentSpanId: this.parent.spanId,
      ...{ name: this.name, kind: this.kind, startedMs: this.startedMs, endedMs: Date.now() },
      attributes: { ...this.attributes, ...end.attributes, ...(this.recorder.captureContent && readable(content)) },
      errorType: end.errorType,
    });
  }
}

/** What cannot be written as JSON is left out: a trace makes no step fail. */
function readable(content: () => FinishedSpan['attributes']): FinishedSpan['attributes'] {
  try {
    return content();
  } catch {
    return {};
  }
}

/** The span of the workflow that the running activity belongs to. */
export function workflowPlace(ctx: RunContext | undefined): TracePlace {
  const given = ctx?.trace === undefined ? undefined : parseTraceparent(ctx.trace);
  return given ?? runPlace(Context.current().info.workflowExecution!.runId);
}

/** The span of the agent whose call has this key. */
export function agentPlace(ctx: RunContext | undefined, callKey: string): TracePlace {
  return { ...workflowPlace(ctx), spanId: spanIdOf(callKey) };
}

/** `…/clerk#1/turn#2/lookUp#1` → `…/clerk#1` with `segments` 2. */
export function keyAbove(key: string, segments: number): string {
  return key.split('/').slice(0, -segments).join('/');
}

export function stepAttributes({ workflowId, scope, path }: StepIdentity): FinishedSpan['attributes'] {
  return { 'segno.run.id': scope, 'segno.workflow.id': workflowId, 'segno.step.path': path };
}
