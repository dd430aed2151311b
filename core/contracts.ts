/**
 * What workflows and activities say to each other: types and small constants only, so that both sides may import it.
 *
 * Invariants:
 * 1. Only JSON crosses. Messages and tool results stay in the ledger; their hashes cross.
 * 2. What the workflow decides by (outcome, tool policy, limits) is in a result, and so in history: a changed definition
 *    never breaks a replay.
 * 3. Fields are only ever added, and optional: histories recorded by every released version replay.
 */

import type { BudgetRaised, RaiseAmounts } from './admission/raise.js';
import type { KeyedBudget } from './admission/settings.js';
import type { CarriedEvents } from './event.js';
import type { OutcomeResolution, UnknownOutcome } from './outcome.js';
import type { PlaceRequest } from './places.js';
import type { PlanEstimate } from './plan/estimatePlan.js';
import type { Plan } from './plan/plan.js';
import type { UndoableStep } from './undoOrder.js';

/** What activities must know of a run beyond what Temporal tells them; absent fields have their defaults. */
export interface RunContext {
  /** The user's run: the root workflow's id. Default: the activity's own workflow id. */
  scope?: string;
  /** Who the run belongs to. Default `default`. */
  tenant?: string;
  /** SHA-256 (hexadecimal) of the run's dependencies, a JSON document in the ledger. */
  deps?: string;
  /** Run id of the failed run this one retries: its finished steps are reused by path and fingerprint. */
  predecessor?: string;
  /** Budgets around the step: the run's, and those of the code it stands in. */
  budgets?: KeyedBudget[];
  /** 1 (first) to 5, among calls that wait. Default 3. */
  priority?: number;
  /**
   * The span of the workflow, as a W3C `traceparent`. Default: the one its run id says (core/trace.ts). In a memo: the span it was
   * started in.
   */
  trace?: string;
  /** Run id the steps' keys begin with. Default: the activity's own; an agent's child workflow keeps its caller's. */
  run?: string;
}

/** Per-call settings of an agent, as they cross to the worker. */
export interface ModelCallOptions {
  model?: string;
  maxOutputTokens?: number;
  /** Real attempts (counted in the ledger) before a retryable failure becomes final. */
  maxAttempts?: number;
}

export interface CallModelRequest {
  agent: string;
  path: string;
  /** The agent's input; first turn only. */
  input?: unknown;
  /** Hash of the transcript so far; every later turn. */
  head?: string;
  /** Hashes of the tool messages to append, in the order of the calls. */
  append?: string[];
  options?: ModelCallOptions;
  /** False: a budget that asks fails like any other; a person has been asked. */
  ask?: false;
  ctx?: RunContext;
}

/** A person has agreed to more. */
export interface RaiseBudgetRequest {
  /** Of the raise: it counts once. */
  path: string;
  /** Its key. */
  budget: string;
  amounts: RaiseAmounts;
  by: string;
  ctx?: RunContext;
}

/** How the workflow runs a tool, decided by its definition on the worker. */
export interface ToolPolicy {
  /** Runs as a local activity. */
  quick?: true;
  /** Limit of one attempt. */
  timeoutMs: number;
}

export interface ToolCall {
  tool: string;
  policy: ToolPolicy;
}

export interface CallModelResult {
  /** Hash of the transcript with this turn's messages. */
  head: string;
  /** [input tokens, output tokens, cost in pico-USD as a decimal string] of the answering attempt. */
  usage: [number, number, string];
  /** How often the turn was tried, as far as the answering attempt knows; absent for once. Not part of the recorded result. */
  attempts?: number;
  /** The final, validated output. */
  output?: unknown;
  /** Tools to call next, in the model's order. */
  calls?: ToolCall[];
  /** Why the output does not match its schema; the model has been told in `head`. */
  invalid?: string;
  /** With `invalid`: the output was withheld by a guardrail. */
  blocked?: true;
  /** First turn only. */
  limits?: { maxTurns: number; maxRepairs: number };
}

export interface RunToolRequest {
  tool: string;
  path: string;
  /** Arguments, when the workflow calls. */
  input?: unknown;
  /** When an agent calls: its name, and where in the transcript the call stands. */
  agent?: string;
  head?: string;
  index?: number;
  /** Real attempts (counted in the ledger) before a retryable failure becomes final. */
  maxAttempts?: number;
  /** Only if the tool is quick; otherwise answer with the policy alone. */
  onlyQuick?: true;
  /** What a person said became of the call, when asked by `unknown` of the result. */
  resolution?: OutcomeResolution;
  ctx?: RunContext;
}

export interface RunToolResult {
  /** Called by the workflow: the tool's output. Recorded also for an agent, when the tool can be undone. */
  value?: unknown;
  /** Called by the workflow: the tool has run, and a guardrail withholds its output; why. */
  blocked?: string;
  /** Called by an agent: the tool message in the ledger. */
  hash?: string;
  bytes?: number;
  /** Called by an agent, recorded only: the type of the failure that its model was told. */
  failed?: string;
  /** How often it was tried, as far as the answering attempt knows; absent for once. Not part of the recorded result. */
  attempts?: number;
  /** Nobody knows whether it took effect, and a person is to be asked. Not recorded. */
  unknown?: UnknownOutcome;
  /** The answer to `onlyQuick`: how the tool is run; nothing has run yet when it is not quick. */
  policy?: ToolPolicy;
}

export interface CheckPlanRequest {
  /** The document, as it was given. */
  plan: unknown;
  /** The names it may use. Default: all of the project. */
  within?: CatalogueNames;
  maxSteps?: number;
  /** Of the estimate; a model without a price is a fault then. */
  maxCostUsd?: number;
  /** Steps that have completed before: they cost nothing any more. */
  done?: readonly string[];
}

/** A list that is left out means all of the project. */
export interface CatalogueNames {
  agents?: readonly string[];
  tools?: readonly string[];
  workflows?: readonly string[];
}

export interface CheckPlanResult {
  /** The plan to run: from here on what stands in history, whatever a later version would say of it. */
  plan: Plan;
  estimate?: PlanEstimate;
}

export interface UndoToolRequest {
  tool: string;
  path: string;
  /** Path of the step that is taken back. */
  undoes: string;
  ctx?: RunContext;
}

export interface ListEffectsRequest {
  /** The steps below it. */
  path: string;
  ctx?: RunContext;
}

export interface ListEffectsResult {
  /** Those whose tools have a `compensate`, the last to end first. */
  undoable: UndoableStep[];
  /** Paths of those that nobody knows whether they took effect. */
  unknown: string[];
  /** There are more. */
  more?: true;
}

export interface MarkUndoneRequest {
  paths: readonly string[];
  /** And all steps below it, also those whose tools have a `compensate`. */
  below?: string;
  /** Path of what has taken them back. */
  by: string;
  ctx?: RunContext;
}

export interface SegnoActivities {
  callModel(request: CallModelRequest): Promise<CallModelResult>;
  runTool(request: RunToolRequest): Promise<RunToolResult>;
  /** Takes the effect of a step back, by its tool's `compensate`. */
  undoTool(request: UndoToolRequest): Promise<void>;
  listEffects(request: ListEffectsRequest): Promise<ListEffectsResult>;
  /** Of steps whose tools have no `compensate`. */
  markUndone(request: MarkUndoneRequest): Promise<void>;
  /** Raises it once, and wakes the runs that wait for it. @throws `Budget.Unknown` */
  raiseBudget(request: RaiseBudgetRequest): Promise<BudgetRaised>;
  /** @throws `Plan.Invalid`, with every fault */
  checkPlan(request: CheckPlanRequest): Promise<CheckPlanResult>;
  /**
   * Agents and tools with what they are for, take and give, as text for a planner.
   *
   * @throws `Agent.Unknown`, `Tool.Unknown`, `Pattern.InvalidSteps` when it would be too long
   */
  describeCatalogue(names: CatalogueNames): Promise<string>;
}

/** What the plain JSON of a run's memo carries under the key `segno`. */
export type RunMemo = RunContext & {
  inputHash?: string;
  /** Of a workflow that is a loop: rounds that ended in executions before this one. */
  loop?: { rounds: number };
  /** Events that came before it waited for them, in executions before this one. */
  events?: CarriedEvents;
  /** Among the runs of its concurrency key; child workflows have none of their own. */
  place?: PlaceRequest;
};

export const memoKey = 'segno';
export const defaultTaskQueue = 'segno';
/** Short, because a workflow task that ran on a killed worker is noticed only through it (STEP-PROTOCOL, Recovery). */
export const workflowTaskTimeoutMs = 1_000;

/** `runId/path`: the same for every retry, worker and replay of a step. */
export function stepKey(runId: string, path: string): string {
  return `${runId}/${path}`;
}

/** The query every run with patterns answers: path → {@link PatternProgress}. */
export const progressQueryName = 'segnoProgress';

/** How far a pattern is. */
export interface PatternProgress {
  pattern: string;
  /** State → how many steps are in it: `{ completed: 3200, running: 50, pending: 6750 }`. */
  counts: Record<string, number>;
  /** What it waits for: `the event paid, until 2026-11-28T09:00:00.000Z`. */
  waitsFor?: string;
  /** The event it waits for; `data` says that it must carry some. */
  event?: { name: string; key?: string; data: boolean };
  /** Name → state, for patterns of at most 100 steps. */
  steps?: Record<string, string>;
}
