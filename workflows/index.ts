export { proxyAgents, type AgentsOf, type AgentCallOptions } from './agent/proxyAgents.js';
export { proxyTools, type ToolsOf, type ToolCallOptions } from './agent/proxyTools.js';
export { approval, type ApprovalOptions } from './patterns/approval.js';
export { barrier, type Barrier, type BarrierOptions } from './patterns/barrier.js';
export {
  dag,
  type CheckedSteps,
  type DagOptions,
  type DagOutputs,
  type DagResult,
  type DagStep,
} from './patterns/dag.js';
export { decide, type CriteriaOptions } from './patterns/decide.js';
export type { EnsembleExplanation, EnsembleOptions, Voters } from './patterns/ensemble.js';
export type { Vote, VotingRule } from '../core/decide/countVotes.js';
export type { CriteriaExplanation, Criterion, CriterionScore, RankedAlternative } from '../core/decide/criteria.js';
export type { Decided } from '../core/decide/decision.js';
export type { CasesExplanation, DecisionCase } from '../core/decide/decisionCases.js';
export type { DecisionRule, DecisionTable, HitPolicy, TableExplanation } from '../core/decide/decisionTable.js';
export type { DecisionTree, TreeExplanation } from '../core/decide/decisionTree.js';
export type { SumScale } from '../core/decide/weightedSum.js';
export { everyInterval, type IntervalOptions, type IntervalResult } from './patterns/everyInterval.js';
export { debate, type Debated, type DebateOptions, type DebateSide, type Statement } from './patterns/debate.js';
export {
  handoff,
  type HandedOff,
  type HandoffOptions,
  type HandoffPeer,
  type HandoffPeers,
} from './patterns/handoff.js';
export { hedge, type Hedged, type HedgeOptions } from './patterns/hedge.js';
export {
  hierarchy,
  type BeyondMandate,
  type Hierarchy,
  type HierarchyOptions,
  type Post,
  type PostReply,
  type Ruling,
} from './patterns/hierarchy.js';
export { loop, type LoopOptions } from './patterns/loop.js';
export { mapReduce } from './patterns/mapReduce.js';
export type {
  MapCounts,
  MapItems,
  MapReduced,
  MapReduceOptions,
  MapStep,
  ReduceStep,
  TextSource,
} from './patterns/mapReduceOptions.js';
export { mesh, type Meshed, type MeshOptions, type MeshPeer, type MeshPeers } from './patterns/mesh.js';
export {
  parallel,
  type Branches,
  type BranchOutputs,
  type BranchResults,
  type ParallelOptions,
  type PartialOptions,
} from './patterns/parallel.js';
export {
  planAndRun,
  type PlanAndRunOptions,
  type PlannedRun,
  type PlanOutcome,
  type PlanProposal,
  type TaskLogEntry,
} from './patterns/planAndRun.js';
export { race, type RaceOptions, type RaceResult } from './patterns/race.js';
export { refine, type RefineOptions, type Refined, type Review } from './patterns/refine.js';
export { repeatUntil, type Repeated, type RepeatOptions } from './patterns/repeatUntil.js';
export type { Stopped } from './patterns/rounds.js';
export { route, type RouteOptions, type Routed, type Routes, type Unrouted } from './patterns/route.js';
export type { Classification, RouteRule } from '../core/route.js';
export { saga, type SagaOptions, type Undo } from './patterns/saga.js';
export {
  sequential,
  type DecisionOptions,
  type Sequence,
  type SequenceContext,
  type SequenceResult,
  type SequenceRunOptions,
  type SequenceStepOptions,
} from './patterns/sequential.js';
export { sleepUntil } from './patterns/sleepUntil.js';
export { supervise, type Supervised, type SuperviseOptions, type Tried } from './patterns/supervise.js';
export { waitForEvent, type EventOptions } from './patterns/waitForEvent.js';
export type { EventSchema } from './eventInbox.js';
export { withBudget } from './patterns/withBudget.js';
export { withFallback, type FallbackOptions, type FallbackResult } from './patterns/withFallback.js';
export { withTimeout } from './patterns/withTimeout.js';
export { runSteps, type PlanResult, type RunStepsOptions } from './plan/runSteps.js';
export type { Decision } from '../core/approval.js';
export { fail, isFailure } from './failure.js';
export { splitText, type SplitOptions, type TextPart } from '../core/split.js';
