/** What a client is told of a run's steps and maps, as the ledger has them. */
import { findingsOf, type GuardrailFinding } from '../core/guardrails.js';
import { picoToUsd } from '../core/money.js';
import type { ProgressMap, ProgressWait } from '../core/progressStep.js';
import {
  type AttemptSummary,
  type MapSummary,
  type PassedOver,
  passedOver,
  type StepSummary,
  type UsageSum,
  type WaitingCall,
} from '../ledger/index.js';

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  /** Some attempts count with their upper bound, because their real usage was never learnt. */
  estimated: boolean;
}

export interface RunStep {
  /** Its place in the structure of the run. */
  path: string;
  kind: 'model' | 'tool';
  name: string;
  state: StepSummary['state'];
  attempts: number;
  /** When it was first begun. */
  startedAt: string;
  finishedAt?: string;
  /** With all its attempts, and the pauses and waits between them. */
  durationMs: number;
  usage: Usage;
  /** At the gate, before its attempts were begun. */
  waitedMs?: number;
  /** `REASON at GATE`, each once. */
  waitedFor?: string[];
  model?: string;
  /** Model aliases before the one that `model` belongs to, and why each did not answer. */
  fallbackFrom?: PassedOver[];
  /** Output tokens it was given, when a budget with `onExceeded: 'degrade'` made them fewer. */
  degradedTo?: number;
  /** Of a step that took several, the oldest first. */
  tries?: RunAttempt[];
  /** What guardrails have found in what went in or came out. */
  guardrails?: GuardrailFinding[];
  error?: StepError;
}

export interface StepError {
  type: string;
  message: string;
  retryable: boolean;
}

export interface RunAttempt {
  /** `lost`: its worker was; `fenced`: a newer attempt had begun when it ended. */
  state: AttemptSummary['state'];
  startedAt: string;
  durationMs: number;
  /** Alias and name of the model it asked. */
  alias?: string;
  model?: string;
  waitedMs?: number;
  /** `REASON at GATE` */
  waitedFor?: string;
  /** Model aliases the gate passed over for it. */
  fallbackFrom?: PassedOver[];
  degradedTo?: number;
  error?: StepError;
}

export type RunWait = ProgressWait;

/** The items of a map, in numbers. */
export interface RunMap extends ProgressMap {
  finishedAt?: string;
  usage: Usage;
  error?: StepError;
}

export function toRunMap({ usage, error, finishedAt, ...counts }: MapSummary): RunMap {
  return {
    ...counts,
    usage: toUsage(usage),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(error && { error: toStepError(error) }),
  };
}

export function toRunStep(step: StepSummary): RunStep {
  const { tries } = step;
  const findings = findingsOf(step);
  const waitedMs = tries.reduce((sum, attempt) => sum + attempt.waitedMs, 0);
  const waitedFor = [...new Set(tries.flatMap((attempt) => attempt.waitedFor ?? []))];
  const fallbackFrom = passedOver(tries);
  const degradedTo = tries.at(-1)?.degradedTo;
  return {
    path: step.path,
    kind: step.kind,
    name: step.name,
    state: step.state,
    attempts: step.attempts,
    startedAt: step.createdAt,
    ...(step.finishedAt !== undefined && { finishedAt: step.finishedAt }),
    durationMs: durationMs(step.createdAt, step.finishedAt),
    usage: toUsage(step.usage),
    ...(waitedMs > 0 && { waitedMs, waitedFor }),
    ...(step.model !== undefined && { model: step.model }),
    ...(findings.length > 0 && { guardrails: findings }),
    ...(fallbackFrom.length > 0 && { fallbackFrom }),
    ...(degradedTo !== undefined && { degradedTo }),
    ...(tries.length > 1 && { tries: tries.map(toRunAttempt) }),
    ...(step.error && step.state !== 'done' && { error: toStepError(step.error) }),
  };
}

function toRunAttempt(attempt: AttemptSummary): RunAttempt {
  const { state, startedAt, alias, model, waitedMs, waitedFor, insteadOf, degradedTo, error } = attempt;
  return {
    state,
    startedAt,
    durationMs: durationMs(startedAt, attempt.finishedAt),
    ...(alias !== undefined && { alias }),
    ...(model !== undefined && { model }),
    ...(waitedMs > 0 && { waitedMs, ...(waitedFor !== undefined && { waitedFor }) }),
    ...(insteadOf.length > 0 && { fallbackFrom: [...insteadOf] }),
    ...(degradedTo !== undefined && { degradedTo }),
    ...(error && { error: toStepError(error) }),
  };
}

function durationMs(startedAt: string, finishedAt: string | undefined): number {
  const end = finishedAt === undefined ? Date.now() : Date.parse(finishedAt);
  return Math.max(0, end - Date.parse(startedAt));
}

function toStepError({ type, message, retryable }: NonNullable<StepSummary['error']>): StepError {
  return { type, message, retryable };
}

export function toRunWait({ key, ...wait }: WaitingCall): RunWait {
  return { path: key.slice(key.indexOf('/') + 1), ...wait };
}

export function toUsage(usage: UsageSum): Usage {
  const { inputTokens, outputTokens, costPicoUsd, estimated } = usage;
  return { inputTokens, outputTokens, costUsd: picoToUsd(costPicoUsd), estimated };
}
