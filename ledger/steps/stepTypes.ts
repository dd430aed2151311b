/** What callers hand to the ledger about a step, and what they get back. */
import type { AdmissionRequest, BudgetWarning, Settlement, Skipped } from '../../core/admission/admission.js';
import type { StepFailure, StepKind, StepSafety } from '../../core/steps.js';
import type { TranscriptNode } from '../transcripts.js';

/** Who a step is: the same for every attempt, worker and replay. */
export interface StepIdentity {
  /** `runId / path`, minted by the workflow; of the run that called the agent when the step is one of a long agent's. */
  readonly key: string;
  readonly runId: string;
  readonly workflowId: string;
  /** What is erased together: the root run. */
  readonly scope: string;
  readonly tenant: string;
  readonly path: string;
  readonly kind: StepKind;
  /** The agent's or tool's name. */
  readonly name: string;
  readonly definitionHash: string;
  /** Hash of definition and input; a key found with another one is `Step.Mismatch`. */
  readonly fingerprint: string;
}

export interface ModelChoice {
  readonly alias: string;
  readonly provider: string;
  readonly model: string;
}

/** The most a model call can cost: what a lost attempt is charged with. */
export interface UpperBound {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costPicoUsd: bigint;
}

/** What an effect was called with, as its step keeps it: in the row when it is small, else under its hash. */
export interface EffectInput {
  readonly text: string | null;
  readonly sha256: string;
  readonly bytes: number;
}

export interface BeginStepInput extends StepIdentity {
  /** The worker instance, new at every process start. */
  readonly owner: string;
  /** Temporal's attempt number for remote activities; 0 for local ones, which start at 1 again after a crash. */
  readonly attempt: number;
  readonly safety: StepSafety;
  readonly leaseMs: number;
  readonly model?: ModelChoice | undefined;
  readonly upperBound?: UpperBound | undefined;
  /** Asks the gate, which then chooses model and upper bound among the candidates. */
  readonly admission?: AdmissionRequest | undefined;
  /** What the outside system knows the effect by, when it is not the step's key: one that the retried run began. */
  readonly idempotencyKey?: string | undefined;
  /** Of a tool with effects. */
  readonly effect?: EffectInput | undefined;
}

/** A result that stands in the ledger. */
export interface RecordedResult {
  /** JSON, as it was recorded. */
  readonly result: unknown;
  /** SHA-256 of the canonical JSON, base64url. */
  readonly resultHash: string;
  /** Length of the canonical JSON in UTF-8. */
  readonly bytes: number;
}

export interface Begun {
  readonly status: 'begun';
  readonly epoch: number;
  /** How many attempts have begun, this one included; released ones don't count. */
  readonly attempts: number;
  /** By the gate: the model alias to call, how long the call has waited, and which models it was not sent to. */
  readonly admitted?: Admitted | undefined;
}

export interface Admitted {
  readonly alias: string;
  /** The upper bound it was admitted with. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly waitedMs: number;
  /** `REASON at GATE`, where it waited first. */
  readonly waitedFor?: string;
  /** Until the wall time of one of its budgets is over. */
  readonly leftMs?: number;
  readonly skipped: readonly Skipped[];
}

export type BeginStepResult = Begun | ({ readonly status: 'done' } & RecordedResult);

/** The usage of one attempt. */
export interface StepUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of `inputTokens` that the provider served from its cache. */
  readonly cachedInputTokens: number;
  readonly costPicoUsd: bigint;
  /** True when the provider did not say and somebody else counted; a later exact figure replaces it. */
  readonly estimated: boolean;
}

/** Bytes to be stored under their own SHA-256, for the step's tenant and scope. */
export interface StepBlob {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly name?: string | undefined;
}

/** An attempt: the only one that may write to its step is the newest. */
export interface StepAttempt {
  readonly key: string;
  readonly epoch: number;
  readonly owner: string;
}

export interface FinishStepInput extends StepAttempt {
  /** JSON; `undefined` is recorded as `null`. */
  readonly result: unknown;
  readonly usage?: StepUsage | undefined;
  readonly nodes?: readonly TranscriptNode[] | undefined;
  readonly blobs?: readonly StepBlob[] | undefined;
  /** Small JSON for people, shown beside the step: never a secret. */
  readonly detail?: unknown;
  /** Of a call the gate has admitted. */
  readonly settlement?: Settlement | undefined;
}

export interface FailStepInput extends StepAttempt {
  readonly error: StepFailure;
  readonly usage?: StepUsage | undefined;
  /** Of a call the gate has admitted. */
  readonly settlement?: Settlement | undefined;
}

/** `fenced`: a newer attempt owns the step, nothing was changed but the usage of this attempt. */
export interface SettleResult {
  readonly fenced: boolean;
  /** Thresholds of budgets that this call reached, if it did. */
  readonly warnings?: readonly BudgetWarning[];
}

export type RecordPureStepInput = StepIdentity & {
  readonly owner: string;
  readonly result: unknown;
  /** As of {@link FinishStepInput}. */
  readonly detail?: unknown;
};

/** `recorded`: by this call; `found`: it stood there already, and what is returned is what stood there. */
export type RecordPureStepResult = RecordedResult & { readonly status: 'recorded' | 'found' };
