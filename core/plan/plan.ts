/**
 * A plan: steps that come after each other, as JSON, written by a person or by a model. These are its types; planSchema.ts
 * checks them.
 *
 * Invariants:
 * 1. A plan of version 1 keeps its meaning: it stands in the history of runs that are replayed months later. Fields are only
 *    ever added, and optional.
 * 2. Values come by reference: `{ "$ref": "steps.analyze.score" }`. No code, but conditions in CEL.
 */
import type { PlanDecide } from './planDecide.js';

export interface Plan {
  version: 1;
  name: string;
  description?: string | undefined;
  steps: PlanStep[];
  /** JSON with references. Default: the outputs of the steps no other comes after, by id. */
  output?: unknown;
  /** Default `fail`. */
  onFailure?: 'fail' | 'continue' | undefined;
  /** Limit of all steps together. */
  timeout?: PlanDuration | undefined;
  /** Steps that run at once. */
  concurrency?: number | undefined;
}

/** Milliseconds, or a text such as `30s` or `2m`. */
export type PlanDuration = number | string;

export interface PlanStep extends PlanAction {
  id: string;
  /** Steps it comes after, beside those it refers to. */
  after?: string[] | undefined;
  /** As in `dag`. */
  needs?: 'completed' | 'ended' | undefined;
  /** CEL over `input` and `steps`. */
  when?: string | undefined;
  retry?: { attempts: number; delay?: PlanDuration | undefined } | undefined;
  timeout?: PlanDuration | undefined;
  fallback?: PlanAction | undefined;
}

/** What a step does: exactly one of the keys but `input`. */
export interface PlanAction {
  agent?: string | undefined;
  tool?: string | undefined;
  workflow?: string | undefined;
  /** Of the agent, tool or workflow: JSON with references. */
  input?: unknown;
  /** The output itself: JSON with references. */
  value?: unknown;
  /** Side by side; by name or in a list. */
  parallel?: Record<string, PlanAction> | PlanAction[] | undefined;
  /** One after the other; each may refer to `previous`. */
  sequence?: PlanAction[] | undefined;
  map?: PlanMap | undefined;
  refine?: PlanRefine | undefined;
  supervise?: PlanSupervise | undefined;
  repeatUntil?: PlanRepeat | undefined;
  route?: PlanRoute | undefined;
  decide?: PlanDecide<PlanAction> | undefined;
  /** Side by side, by name or in a list; gives `{ winner, output }` of the first to complete, and cancels the others. */
  race?: Record<string, PlanAction> | PlanAction[] | undefined;
  hedge?: PlanHedge | undefined;
  /** One way after the other until one works; gives `{ used, output, errors }`. */
  withFallback?: Record<string, PlanAction> | PlanAction[] | undefined;
  withTimeout?: { do: PlanAction; timeout: PlanDuration } | undefined;
  approval?: PlanApproval | undefined;
  handoff?: PlanHandoff | undefined;
  mesh?: PlanMesh | undefined;
  debate?: PlanDebate | undefined;
  /** Waits for an event that another system sends; gives its data. */
  waitForEvent?: PlanEvent | undefined;
  /** A moment, or a reference to one: ISO 8601 with a zone, or a date. */
  sleepUntil?: unknown;
}

export interface PlanMap {
  /** A reference to a list, or a list. */
  over: unknown;
  /** May refer to `item` and `index`. */
  do: PlanAction;
  /** A longer list is a failure. Default 1,000; see {@link mostElements}. */
  maxItems?: number | undefined;
  /** Items at once. */
  concurrency?: number | undefined;
  /** `continue`: failed elements are listed and the others kept; it gives `{ outputs, total, completed, failed, failures }`. */
  onFailure?: 'fail' | 'continue' | undefined;
  /** With `continue`: how many elements have to complete. */
  minimum?: number | undefined;
  /** Limit of all elements together. Default, for those that go in batches: 1 day. */
  timeout?: PlanDuration | undefined;
  /** `document`: the outputs as a JSON document, for more of them than a list may hold. */
  gives?: 'list' | 'document' | undefined;
}

export interface PlanRefine {
  /** May refer to `draft` and `feedback`, which are null in the first round. */
  write: PlanAction;
  /** May refer to `draft`; gives `{ acceptable, feedback, score? }`. */
  review: PlanAction;
  maxRounds?: number | undefined;
}

/** As the pattern `supervise`; gives `{ output, by, reviewed, rounds, reviews }`. */
export interface PlanSupervise {
  /** May refer to `draft` and `feedback`, which are null in the first round. */
  work: PlanAction;
  /** May refer to `draft`; gives `{ acceptable, feedback, score? }`. */
  review: PlanAction;
  /** Drafts of `work` before its task goes up. Default 3. */
  maxRounds?: number | undefined;
  /** By name, in order; may refer to `draft` and `error`, null where there is none, and to `reviews`. */
  escalate: Record<string, PlanAction>;
  /** `escalate`: what fails passes the task on. Default `fail`. */
  onFailure?: 'fail' | 'escalate' | undefined;
}

/** As the pattern `repeatUntil`; gives `{ output, met, rounds, stopped }`. */
export interface PlanRepeat {
  /** May refer to `round`, from 1, and `previous`, the output before, at first null. */
  do: PlanAction;
  /** CEL over `output`, `round`, and what `do` may refer to but `previous`. */
  until: string;
  maxRounds: number;
  /** Before each round but the first. */
  delay?: PlanDuration | undefined;
  /** What each delay is times as long as the one before. Default 1. */
  backoff?: number | undefined;
  /** Default ten times `delay`. */
  maxDelay?: PlanDuration | undefined;
  /** Limit of all rounds together: at it the last output stands, if there is one. */
  timeout?: PlanDuration | undefined;
  /** `continue`: a failed round ends it with the last output, if there is one. Default `fail`. */
  onFailure?: 'fail' | 'continue' | undefined;
}

/** As the pattern `route`; gives `{ route, by, reason, confidence?, output }`. */
export interface PlanRoute {
  /** CEL over what the actions may refer to; the first that is true decides. */
  rules?: { when: string; to: string }[] | undefined;
  /** Asked when no rule is true: gives `{ label, confidence }`. */
  classify?: PlanAction | undefined;
  /** Default 0.5. */
  minConfidence?: number | undefined;
  routes: Record<string, PlanAction>;
  /** May refer to `unclear`: `{ reason, label, confidence }`, null where nothing was said. */
  fallback: PlanAction;
  /** `fallback`: a classifier that fails leaves it unclear. Default `fail`. */
  onFailure?: 'fail' | 'fallback' | undefined;
}

/** As the pattern `hedge`; gives `{ output, attempt, started }`. */
export interface PlanHedge {
  do: PlanAction;
  /** How long an attempt may take before the next is started beside it. */
  after: PlanDuration;
  /** Default 2. */
  attempts?: number | undefined;
}

/** Waits for a person; gives the decision, `{ approved, by, comment, value }`. Being rejected is an answer, not a failure. */
export interface PlanApproval {
  name: string;
  title?: string | undefined;
  /** What the person must see: JSON with references. */
  detail?: unknown;
  choices?: string[] | undefined;
  /** Default 7 days. */
  timeout?: PlanDuration | undefined;
}

interface PlanPeers {
  /** `turn` may refer to `turn`: what the pattern tells a peer. */
  peers: Record<string, { description: string; turn: PlanAction }>;
  onFailure?: 'fail' | 'continue' | undefined;
  timeout?: PlanDuration | undefined;
}

/** As the pattern `handoff`; gives `{ stopped, by, answer, said, error }`. */
export interface PlanHandoff extends PlanPeers {
  /** Text, or JSON with references. */
  task: unknown;
  start: string;
  maxTurns?: number | undefined;
  maxReturns?: number | undefined;
}

/** As the pattern `mesh`; gives `{ stopped, rounds, replies, messages, waiting, failed }`. */
export interface PlanMesh extends PlanPeers {
  /** Text, or JSON with references. */
  goal: unknown;
  start?: string[] | undefined;
  maxRounds?: number | undefined;
  maxMessages?: number | undefined;
  maxExchange?: number | undefined;
}

/** As the pattern `debate`; gives `{ verdict, said, stopped, rounds, conceded, missed }`. */
export interface PlanDebate {
  /** Text, or JSON with references. */
  question: unknown;
  /** `speak` may refer to `turn`: what the pattern tells a side. */
  sides: Record<string, { position: string; speak: PlanAction }>;
  /** May refer to `debate`: `{ question, said }`. */
  judge: PlanAction;
  rounds?: number | undefined;
  onFailure?: 'fail' | 'continue' | undefined;
  timeout?: PlanDuration | undefined;
}

/** As the pattern `waitForEvent`. */
export interface PlanEvent {
  name: string;
  /** Text, or a reference to one. */
  key?: unknown;
  /** Default 7 days. */
  timeout?: PlanDuration | undefined;
}

export const actionKinds = [
  'agent',
  'tool',
  'workflow',
  'value',
  'parallel',
  'sequence',
  'map',
  'refine',
  'supervise',
  'repeatUntil',
  'route',
  'decide',
  'race',
  'hedge',
  'withFallback',
  'withTimeout',
  'approval',
  'handoff',
  'mesh',
  'debate',
  'waitForEvent',
  'sleepUntil',
] as const satisfies readonly (keyof PlanAction)[];
export type ActionKind = (typeof actionKinds)[number];

/** What a plan may hold; a bigger one wants to be several. */
export const planLimits = {
  steps: 500,
  /** Objects, lists and values in all. */
  values: 20_000,
  /** Objects and lists in each other. */
  depth: 40,
  /** Characters of all texts together. */
  characters: 1_000_000,
  /** Actions in actions: a map in a parallel in a sequence. */
  nesting: 4,
  /** Elements of a map, unless `maxItems` allows more; and of one that runs in the plan's own workflow. */
  items: 1_000,
  /** Elements of a map whose body is one call: they go in batches. */
  calls: 100_000,
  /** Calls of a map that are branches of the plan's own workflow; more of them go in batches. */
  branches: 100,
  /** Characters of all inputs of a map in batches, and of its outputs as a list. */
  mapCharacters: 8_000_000,
  /** What references of one value lead to: objects, lists and values in all, and in each other; its characters as of a map. */
  valueValues: 1_000_000,
  valueDepth: 500,
  /** The same of all values of a run together, and the characters of the outputs of its steps. */
  runValues: 20_000_000,
  runCharacters: 32_000_000,
  attempts: 100,
  rounds: 100,
  /** Rounds of `repeatUntil`, which may poll. */
  repeats: 1_000,
  /** Attempts of a hedge. */
  hedges: 10,
  /** Of a handoff or a mesh. */
  peers: 20,
  /** Of a debate. */
  sides: 10,
  /** Rules of a route. */
  rules: 50,
  /** Conditions in actions of a plan: rules, and `until`. */
  conditions: 250,
} as const;

/** Which of its keys makes the action; undefined when none does, or several do. */
export function kindOf(action: PlanAction): ActionKind | undefined {
  const kinds = actionKinds.filter((kind) => Object.hasOwn(action, kind) && action[kind] !== undefined);
  return kinds.length === 1 ? kinds[0] : undefined;
}

/** Whether all it does is to call an agent, a tool or a workflow. */
export function isCall(action: PlanAction): boolean {
  const kind = kindOf(action);
  return kind === 'agent' || kind === 'tool' || kind === 'workflow';
}

/** What `maxItems` of a map over this action may be. */
export function mostElements(action: PlanAction): number {
  return isCall(action) ? planLimits.calls : planLimits.items;
}
