import type { PlanEstimate } from '../../core/plan/estimatePlan.js';
import type { Plan, PlanStep } from '../../core/plan/plan.js';
import type { PlanDraft, PlanRequest } from '../../core/plan/planDraft.js';
import { planOfDraft } from '../../core/plan/planOfDraft.js';
import type { StepError, StepResult } from '../../core/results.js';
import type { Duration } from '../deadline.js';
import { fail, isFailure, withLines } from '../failure.js';
import { checkPlan, describeCatalogue } from '../plan/checkPlan.js';
import { runSteps } from '../plan/runSteps.js';
import { branchPath, nextPath } from '../scope.js';
import { complete, failureOf } from '../settle.js';
import { withTimeout } from './withTimeout.js';

/** A plan that has been checked. */
export interface PlanProposal {
  plan: Plan;
  estimate: PlanEstimate;
}

/** What the plan's steps came to. */
export interface PlanOutcome {
  goal: string;
  /** By step; also those of plans before the last. */
  outputs: Record<string, unknown>;
  failed: { id: string; error: StepError }[];
}

export interface PlanAndRunOptions<Output> {
  /** What is to be reached, in words; the planner reads it. */
  goal: string;
  /** Values the planner may refer to as `input.FIELD`. */
  input?: unknown;
  /** Writes a draft of a plan: an agent with `planRequestSchema` and `planDraftSchema`, or a function. */
  plan: (request: PlanRequest) => Promise<PlanDraft>;
  /** Makes one answer of what the steps gave: an agent or a function. */
  synthesize: (outcome: PlanOutcome) => Promise<Output>;
  /** Agents the plan may use. Default: all of the project. */
  agents?: readonly string[];
  /** Tools the plan may use. Default: none, for a model chooses when they run. */
  tools?: readonly string[];
  /** Asked before a plan runs, a new one after a failure too; `false` ends the run. Default: nobody is asked. */
  approve?: (proposal: PlanProposal) => Promise<boolean>;
  /** Drafts of one plan, those that correct a faulty one included. Default 3. */
  maxDrafts?: number;
  /** New plans after failed steps. Default 2. */
  maxReplans?: number;
  /** Steps of a plan, finished ones included. Default 50. */
  maxSteps?: number;
  /** The estimate of one plan; it needs prices in the config. Default: none. */
  maxCostUsd?: number;
  /** `continue`: what there is when the plans are used up is synthesized. Default `fail`. */
  onFailure?: 'fail' | 'continue';
  /** Limit of it all. Default: none. */
  timeout?: Duration;
}

export interface TaskLogEntry {
  /** ISO 8601. */
  at: string;
  event: 'refused' | 'planned' | 'approved' | 'completed' | 'failed' | 'skipped' | 'cancelled' | 'synthesized';
  /** The step it is about. */
  step?: string;
  /** Faults, estimate or error, in one line. */
  detail?: string;
}

export interface PlannedRun<Output> {
  output: Output;
  /** `partial`: steps failed and no plan was left to try. */
  status: 'completed' | 'partial';
  /** The last plan. */
  plan: Plan;
  /** Of the last plan, and of steps of earlier plans that failed. */
  steps: Record<string, StepResult>;
  /** Plans that were run. */
  plans: number;
  log: TaskLogEntry[];
}

const longestDetail = 500;
const longestOutput = 2_000;

/**
 * A planner writes a plan from the catalogue of agents and tools, the plan is checked and run as a DAG, and its results are
 * put together. A faulty plan goes back to the planner with its faults; after a failed step the planner plans anew, and what is
 * finished stays.
 *
 * @throws ApplicationFailure `Plan.Invalid` when no draft of the first plan is one; `Approval.Rejected`; of the failed step when no
 *   plan is left to try; `Step.DeadlineExceeded`; `Pattern.InvalidSteps`
 */
export function planAndRun<Output>(options: PlanAndRunOptions<Output>): Promise<PlannedRun<Output>> {
  const { timeout } = options;
  const run = (): Promise<PlannedRun<Output>> => new Planned(nextPath('planAndRun'), options).run();
  return timeout === undefined ? run() : withTimeout(timeout, run);
}

class Planned<Output> {
  private readonly log: TaskLogEntry[] = [];
  private readonly outputs: Record<string, unknown> = {};
  private readonly steps: Record<string, StepResult> = {};
  private finished: PlanStep[] = [];
  private failed: PlanOutcome['failed'] = [];

  constructor(
    private readonly path: string,
    private readonly options: PlanAndRunOptions<Output>,
  ) {
    const { maxDrafts = 1, maxReplans = 0, maxSteps = 1 } = options;
    const faults = Object.entries({ maxDrafts, maxReplans, maxSteps })
      .filter(([name, value]) => !(Number.isInteger(value) && value >= (name === 'maxReplans' ? 0 : 1)))
      .map(([name, value]) => `${name}: ${value} is no such number`);
    if (faults.length > 0) throw fail('Pattern.InvalidSteps', `planAndRun: ${faults.join('; ')}`);
  }

  async run(): Promise<PlannedRun<Output>> {
    const { input, approve, maxReplans = 2, agents, tools = [] } = this.options;
    const catalogue = await this.at('catalogue', () => describeCatalogue({ ...(agents && { agents }), tools }));
    let plan: Plan | undefined;
    for (let plans = 1; ; plans += 1) {
      const proposal = await this.propose(plans, catalogue);
      if ('faults' in proposal) {
        if (plan) return this.end(plan, plans - 1, ['then no draft of a new plan was a plan:', ...proposal.faults]);
        const told = proposal.faults.join('\n');
        throw fail('Plan.Invalid', `${this.path}: no draft of the planner is a plan:\n${told}`, this.path);
      }
      if (approve && !(await this.at(`approve#${plans}`, () => approve(proposal)))) {
        throw fail('Approval.Rejected', `${this.path}: the plan was rejected`, this.path);
      }
      if (approve) this.note('approved');
      const next = proposal.plan;
      plan = next;
      const done = Object.fromEntries(this.finished.map(({ id }) => [id, this.outputs[id]]));
      const result = await this.at(`run#${plans}`, () => runSteps(next, input ?? null, { done }));
      this.take(next, result.steps);
      if (this.failed.length === 0 || plans > maxReplans) return this.end(next, plans);
    }
  }

  /** @param why there is no further plan, for whoever gets the failure */
  private async end(plan: Plan, plans: number, why: string[] = []): Promise<PlannedRun<Output>> {
    const { goal, synthesize, onFailure = 'fail' } = this.options;
    const first = this.failed[0];
    if (first && onFailure === 'fail') {
      throw withLines(failureOf(this.steps[first.id] as Parameters<typeof failureOf>[0]), why);
    }
    const outcome = { goal, outputs: this.outputs, failed: this.failed };
    const output = await this.at('synthesize', () => synthesize(outcome));
    this.note('synthesized');
    return { output, status: first ? 'partial' : 'completed', plan, steps: this.steps, plans, log: this.log };
  }

  /** Drafts until one is a plan. */
  private async propose(plans: number, catalogue: string): Promise<PlanProposal | { faults: string[] }> {
    const { goal, plan: write, agents, tools = [], maxDrafts = 3, maxSteps = 50, maxCostUsd } = this.options;
    const finished = this.finished.map(({ id }) => ({ id, output: shortJson(this.outputs[id]) }));
    const failed = this.failed.map(({ id, error }) => ({ id, error: `${error.type}: ${error.message}` }));
    let faults: string[] = [];
    for (let draft = 1; draft <= maxDrafts; draft += 1) {
      const proposal = await this.at(`plan#${plans} draft#${draft}`, async () => {
        const written = planOfDraft(await write({ goal, catalogue, faults, finished, failed }), this.finished);
        if ('faults' in written) return written;
        const within = { ...(agents && { agents }), tools, workflows: [] };
        const done = finished.map(({ id }) => id);
        return await checked({
          ...{ plan: written.plan, within, maxSteps },
          ...(maxCostUsd !== undefined && { maxCostUsd }),
          ...(done.length > 0 && { done }),
        });
      });
      if ('plan' in proposal) {
        const { modelCalls, costUsd } = proposal.estimate;
        const cost = costUsd === undefined ? '' : `, at most ${costUsd.toFixed(4)} USD`;
        this.note('planned', {
          detail: `${proposal.plan.steps.length} steps, at most ${modelCalls} model calls${cost}`,
        });
        return proposal;
      }
      ({ faults } = proposal);
      this.note('refused', { detail: faults.join('; ') });
    }
    return { faults };
  }

  private take(plan: Plan, results: Readonly<Record<string, StepResult>>): void {
    const ran = plan.steps.filter(({ id }) => !this.finished.some((step) => step.id === id));
    this.failed = [];
    for (const step of ran) {
      const result = results[step.id];
      if (!result) continue;
      this.steps[step.id] = result;
      if (result.status === 'completed') {
        this.outputs[step.id] = result.output;
        this.finished.push(step);
        this.note('completed', { step: step.id });
      } else {
        this.failed.push({ id: step.id, error: result.error });
        this.note(result.status, { step: step.id, detail: `${result.error.type}: ${result.error.message}` });
      }
    }
    // The cause before what was skipped because of it.
    this.failed.sort((a, b) => rank(this.steps[a.id]) - rank(this.steps[b.id]));
  }

  private at<T>(place: string, body: () => Promise<T>): Promise<T> {
    return complete(branchPath(this.path, place), body);
  }

  private note(event: TaskLogEntry['event'], { step, detail }: { step?: string; detail?: string } = {}): void {
    this.log.push({
      at: new Date().toISOString(),
      event,
      ...(step !== undefined && { step }),
      ...(detail !== undefined && { detail: detail.slice(0, longestDetail) }),
    });
  }
}

type CheckRequest = Parameters<typeof checkPlan>[0];

async function checked(request: CheckRequest): Promise<PlanProposal | { faults: string[] }> {
  try {
    const { plan, estimate = { modelCalls: 0 } } = await checkPlan(request);
    return { plan, estimate };
  } catch (error) {
    if (!isFailure(error, 'Plan.Invalid')) throw error;
    return { faults: error.message.split('\n').slice(1) };
  }
}

function rank(result: StepResult | undefined): number {
  return result?.status === 'failed' ? 0 : 1;
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > longestOutput ? `${text.slice(0, longestOutput)}…` : text;
}
