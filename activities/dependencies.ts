import { Context } from '@temporalio/activity';
import type { RunContext } from '../core/contracts.js';
import type { ResolvedConfig } from '../core/config.js';
import { stepKey } from '../core/contracts.js';
import type { SpanRecorder } from '../core/trace.js';
import type { Ledger } from '../ledger/index.js';
import type { Metrics } from './metrics.js';
import type { ModelClients } from './model/modelClients.js';
import type { TranscriptCache } from './model/transcriptCache.js';

/** What the activities of one worker share. */
export interface ActivityDependencies {
  ledger: Ledger;
  config: ResolvedConfig;
  models: ModelClients;
  transcripts: TranscriptCache;
  /** This worker instance, as the owner of steps. */
  owner: string;
  metrics: Metrics;
  /** Where traces go; undefined without a collector. */
  spans: SpanRecorder | undefined;
  /** Names of the project's workflows. */
  workflows: readonly string[];
}

/** Which step the running activity is an attempt of. */
export interface StepIdentity {
  key: string;
  runId: string;
  workflowId: string;
  scope: string;
  tenant: string;
  path: string;
  /** Temporal's attempt; 0 for local activities, which begin at 1 again after a crash. */
  attempt: number;
  /** What an outside system is to know this step by. */
  idempotencyKey: string;
  /** The same step of the failed run that this run retries. */
  predecessorKey: string | undefined;
}

export function currentStep({ path, ctx }: { path: string; ctx?: RunContext }): StepIdentity {
  const { info } = Context.current();
  const { workflowId, runId } = info.workflowExecution!;
  const key = stepKey(ctx?.run ?? runId, path);
  return {
    key,
    idempotencyKey: key,
    runId,
    workflowId,
    scope: ctx?.scope ?? workflowId,
    tenant: ctx?.tenant ?? 'default',
    path,
    attempt: info.isLocal ? 0 : info.attempt,
    predecessorKey: ctx?.predecessor === undefined ? undefined : stepKey(ctx.predecessor, path),
  };
}
