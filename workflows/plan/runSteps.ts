/**
 * Interprets a plan: its steps as a dag, each action by runAction.
 *
 * Invariant: what it does follows from the plan, the input and the outputs of steps alone, so a plan that stands in history is
 * replayed as it ran. A change here that would run a version 1 plan otherwise needs `patched()`.
 */
import { compileCel } from '../../core/cel.js';
import { graphFaults } from '../../core/graph.js';
import type { Plan, PlanAction, PlanStep } from '../../core/plan/plan.js';
import { lastSteps, planGraph, type PlanGraphStep, planVariables } from '../../core/plan/planGraph.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { PatternResult, StepResult } from '../../core/results.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { defaultConcurrency } from '../patterns/parallel.js';
import { type GraphBody, type GraphEnd, type Outputs, runGraph } from '../patterns/runGraph.js';
import { metered, newMeter, nextPath } from '../scope.js';
import { factsOf, toStepError } from '../settle.js';
import { keepOutput, newVariables, type PlanVariables, resolve } from './resolve.js';
import { runAction } from './runAction.js';

/** What became of a plan; `output` is what its `output` says. */
export type PlanResult = PatternResult<unknown, Record<string, StepResult>>;

export interface RunStepsOptions {
  /** Outputs of steps that are not run again, by id: kept from an earlier plan. */
  done?: Readonly<Record<string, unknown>>;
}

/**
 * Run the steps of a plan inside any workflow.
 *
 * @param plan valid, as the `checkPlan` step gives it
 * @returns a result, also after failures when the plan says `onFailure: continue`
 * @throws ApplicationFailure of the failed step; `Step.DeadlineExceeded`; `Plan.MissingValue`; `Plan.TooLarge`; `Plan.Invalid`
 */
export async function runSteps(plan: Plan, input: unknown, { done = {} }: RunStepsOptions = {}): Promise<PlanResult> {
  const { steps, onFailure = 'fail', concurrency = defaultConcurrency, timeout } = plan;
  const graph = planGraph(plan);
  checkGraph(graph, done);
  const variables = newVariables(input);
  const bodies = steps.map((step, index) => bodyOf(step, graph[index]!, variables));
  const path = nextPath('plan');
  const meter = newMeter();
  const startedAtMs = Date.now();
  const end = await metered(meter, () =>
    runGraph(path, bodies, { pattern: 'plan', onFailure, concurrency, timeout: timeout as Duration | undefined, done }),
  );
  if (end.failed && onFailure === 'fail') throw end.failed.thrown;
  return { ...resultOf(plan, graph, variables, end), ...factsOf(meter, startedAtMs) };
}

function bodyOf(step: PlanStep, { name, after }: PlanGraphStep, variables: PlanVariables): GraphBody {
  const { needs, retry, timeout, fallback } = step;
  const at = ['steps', name];
  const run = async (action: PlanAction, outputs: Outputs, place: DocumentPath): Promise<unknown> =>
    keepOutput(await runAction(action, { ...variables, steps: outputs }, place), variables, place);
  return {
    name,
    after,
    needs,
    retry: retry && { attempts: retry.attempts, delay: retry.delay as Duration | undefined },
    timeout: timeout as Duration | undefined,
    when: conditionOf(step, variables),
    run: (outputs) => run(step, outputs, at),
    fallback: fallback && ((outputs) => run(fallback, outputs, [...at, 'fallback'])),
  };
}

function conditionOf({ id, when }: PlanStep, variables: PlanVariables): GraphBody['when'] {
  if (when === undefined) return undefined;
  const compiled = compileCel(when, { variables: planVariables, result: 'bool' });
  if ('faults' in compiled) throw fail('Plan.Invalid', `steps.${id}.when: ${compiled.faults.join('; ')}`);
  return (outputs: Outputs) => {
    const outcome = compiled.evaluate({ ...variables, steps: outputs });
    if ('fault' in outcome) throw fail('Plan.MissingValue', `steps.${id}.when: ${outcome.fault}`);
    return outcome.value === true;
  };
}

function checkGraph(graph: readonly PlanGraphStep[], done: Readonly<Record<string, unknown>>): void {
  const names = new Set(graph.map(({ name }) => name));
  const faults = [
    ...graphFaults(graph).map(({ step, message }) => `${formatPath(['steps', step])}: ${message}`),
    ...Object.keys(done)
      .filter((name) => !names.has(name))
      .map((name) => `done: there is no step ${name}`),
  ];
  if (faults.length > 0) throw fail('Plan.Invalid', `the plan is not valid:\n${faults.slice(0, 20).join('\n')}`);
}

type Ended = Omit<PlanResult, keyof ReturnType<typeof factsOf>>;

/** With failed steps the output may lead to nothing: then the plan has failed. */
function resultOf(plan: Plan, graph: readonly PlanGraphStep[], variables: PlanVariables, end: GraphEnd): Ended {
  const { results, outputs, failed } = end;
  const first = failed && { error: failed.error, failedStep: failed.step };
  try {
    const output =
      plan.output === undefined
        ? Object.fromEntries(lastSteps(graph).flatMap((id) => (Object.hasOwn(outputs, id) ? [[id, outputs[id]]] : [])))
        : resolve(plan.output, { ...variables, steps: outputs }, ['output']);
    const nothing = failed && Object.keys(outputs).length === 0;
    return { status: nothing ? 'failed' : failed ? 'partial' : 'completed', output, steps: results, ...first };
  } catch (error) {
    if (plan.onFailure !== 'continue') throw error;
    return { status: 'failed', steps: results, ...(first ?? { error: toStepError(error) }) };
  }
}
