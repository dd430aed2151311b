/**
 * What became of a step of a pattern: one shape for every pattern, plain JSON, the same on replay.
 *
 * Times are the workflow's clock: when the workflow learnt of the start and of the end, not when a worker did.
 */
export interface StepUsage {
  inputTokens: number;
  outputTokens: number;
  /** Of the answers the workflow got. Attempts that failed are in the ledger (`segno show`), not here. */
  costUsd: number;
}

export interface StepError {
  /** Of the registry in docs/errors.md, or the type a workflow's own `ApplicationFailure` carries. */
  type: string;
  message: string;
  /** Path of the step that failed, when it was one. */
  step?: string;
}

export interface StepFacts {
  /** ISO 8601. */
  startedAt: string;
  durationMs: number;
  usage: StepUsage;
  /** How often it was tried: 1, and one more for every repetition of it or of a step in it. */
  attempts: number;
}

export type CompletedStep<Output> = StepFacts & {
  status: 'completed';
  output: Output;
  /** Why its fallback gave the output; only where a pattern has fallbacks a step. */
  recoveredFrom?: StepError;
};
export type FailedStep = StepFacts & { status: 'failed'; error: StepError };
/** The pattern no longer needed it, or the deadline of the pattern came first. */
export type CancelledStep = StepFacts & { status: 'cancelled'; error: StepError };
/** Never started; `error` says why. */
export type SkippedStep = StepFacts & { status: 'skipped'; error: StepError };

export type StepResult<Output = unknown> = CompletedStep<Output> | FailedStep | CancelledStep | SkippedStep;

/** What a pattern returns that goes on after failures: its own outcome, and every step's. */
export interface PatternResult<Output, Steps> extends StepFacts {
  /** `partial`: there is an output although steps of it failed. */
  status: 'completed' | 'partial' | 'failed';
  output?: Output;
  steps: Steps;
  /** The first failure, also when a later one or a fallback followed. */
  error?: StepError;
  /** Name of the first step that failed. */
  failedStep?: string;
}
