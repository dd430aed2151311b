/** The ledger: usage and cost, results, transcripts, documents, workers, in PostgreSQL or PGlite. */
export { openLedger } from './openLedger.js';
export type { Ledger, OpenLedgerOptions, Queryable, QueryOptions, Rows, SqlValue } from './openLedger.js';
export { ledgerVersion, migrateLedger } from './migrateLedger.js';
export { GroupCommit } from './groupCommit.js';

export { beginStep } from './steps/beginStep.js';
export { failStep, finishStep } from './steps/settleStep.js';
export { findStep, recordPureStep } from './steps/recordPureStep.js';
export { inheritSteps, reuseStep } from './steps/reuseStep.js';
export type { Inheritance, Reuse } from './steps/reuseStep.js';
export { readSteps, recordPureSteps, resultOf, reuseSteps } from './steps/manySteps.js';
export type { ManySteps, OneOfMany, PureStep } from './steps/manySteps.js';
export {
  listEffectsUnder,
  markStepsUndone,
  markStepsUndoneUnder,
  mostEffects,
  readDoneEffect,
} from './steps/undoneSteps.js';
export { keepInput } from './steps/effectInput.js';
export { listUnknownSteps, readUnknownStep, sayOutcome } from './steps/unknownStep.js';
export type { StoredResolution, UnknownStep } from './steps/unknownStep.js';
export { parseFailure, type StoredStep } from './steps/stepRow.js';
export { releaseStep, renewLease, resolveStep } from './steps/resolveStep.js';
export type { StepResolution } from './steps/resolveStep.js';
export type {
  Admitted,
  Begun,
  BeginStepInput,
  BeginStepResult,
  EffectInput,
  FailStepInput,
  FinishStepInput,
  ModelChoice,
  RecordedResult,
  RecordPureStepInput,
  RecordPureStepResult,
  SettleResult,
  StepAttempt,
  StepBlob,
  StepIdentity,
  StepUsage,
  UpperBound,
} from './steps/stepTypes.js';

export { budgetExceeded, listBudgets, spendersOf, standingBudgets, warnedBudgets } from './admission/budgets.js';
export type { BudgetState, Spender, ToldWarning } from './admission/budgets.js';
export { forgetWaits, raiseBudget, waitForRaise, wakeRaised } from './admission/raises.js';
export { listGates, listWaiting } from './admission/gates.js';
export type { GateState, WaitingCall } from './admission/gates.js';
export { listEffects } from './effects.js';
export type { EffectOutcome, EffectRecord } from './effects.js';
export { costGroups, costsBy } from './costs.js';
export type { CostGroup, CostQuery, Costs } from './costs.js';
export { agentFigures, patternFigures, toolFigures } from './executions.js';
export type { AgentFigures, ExecutionFigures, ExecutionsQuery, PatternFigures } from './executions.js';
export { expireLeases } from './admission/expireLeases.js';

export { finishBatch, readBatches, storeBatches } from './batches.js';
export type { BatchRow, MapIdentity, StoredBatch } from './batches.js';
export { hashJson, sha256Hex } from './hashJson.js';
export { appendNodes, hashMessage, loadTranscript, transcriptNode } from './transcripts.js';
export type { TranscriptNode } from './transcripts.js';
export { getBlob, maxBlobBytes, putBlob } from './blobs.js';
export type { PutBlobInput } from './blobs.js';
export { ledgerSecret } from './secrets.js';
export { eraseScope } from './eraseScope.js';
export type { ErasedScope } from './eraseScope.js';

export {
  beat,
  claimDead,
  findSilent,
  findUnrecovered,
  listWorkers,
  markDead,
  markRecovered,
  registerWorker,
  retireWorker,
  runsTouchedBy,
} from './workers.js';
export type { TouchedRun, WorkerRecord, WorkerRegistration, WorkerState } from './workers.js';

export { PlaceKeeper } from './places/placeKeeper.js';
export { queuedPlaces } from './places/places.js';

export { passedOver } from './attempts.js';
export type { AttemptSummary, PassedOver } from './attempts.js';
export { listMaps } from './maps.js';
export type { MapSummary } from './maps.js';
export { listSteps, usageByAgent, usageOfRun } from './runs.js';
export type { NamedUsage, RunQuery, StepSummary, UsageSum } from './runs.js';

export { ClaimCheckCodec, ledgerBlobStore } from './claimCheckCodec.js';
export type { BlobStore } from './claimCheckCodec.js';
