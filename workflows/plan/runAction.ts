/**
 * Does what an action of a plan says, with the values its references lead to.
 *
 * Invariants:
 * 1. An action runs in the place its step or the action around it has given it; everything it starts takes its name there.
 * 2. References are resolved when the action begins, from values that stand still: never from what happens beside it.
 * 3. However many actions wait for nothing, no workflow task is longer than {@link actionsATask} of them.
 */
import { CancellationScope, executeChild, patched, sleep } from '@temporalio/workflow';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { kindOf, type PlanAction, type PlanApproval } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { ToolDefinition } from '../../core/tool.js';
import { proxyAgents } from '../agent/proxyAgents.js';
import { proxyTools } from '../agent/proxyTools.js';
import type { Duration } from '../deadline.js';
import { fail, stepFailure } from '../failure.js';
import { approval } from '../patterns/approval.js';
import { hedge } from '../patterns/hedge.js';
import { parallel } from '../patterns/parallel.js';
import { race } from '../patterns/race.js';
import { sleepUntil } from '../patterns/sleepUntil.js';
import { waitForEvent } from '../patterns/waitForEvent.js';
import { withFallback } from '../patterns/withFallback.js';
import { withTimeout } from '../patterns/withTimeout.js';
import { branchPath, nextPath } from '../scope.js';
import { complete } from '../settle.js';
import { type PlanVariables, resolve } from './resolve.js';
import { runMap } from './runMap.js';
import { runDecide } from './runDecide.js';
import { runRepeat, runRoute } from './runDecided.js';
import { runDebate, runHandoff, runMesh } from './runPeers.js';
import { runRefine, runSupervise } from './runReviewed.js';

const agents = proxyAgents<Record<string, AgentDefinition>>();
const tools = proxyTools<Record<string, ToolDefinition>>();

/** What a workflow task, which has a second, does in a part of it: an action takes about a millisecond. */
const actionsATask = 200;

let begun = 0;
let pause: Promise<void> | undefined;

/** Every so often all actions wait for a timer: it ends the workflow task. @returns nothing to wait for, most times */
function nextTask(): Promise<void> | undefined {
  begun += 1;
  if (begun % actionsATask === 0 && !pause && patched('plan-pauses')) {
    pause = CancellationScope.nonCancellable(() => sleep(1)).finally(() => (pause = undefined));
  }
  return pause?.then(() => {
    const scope = CancellationScope.current();
    return scope.consideredCancelled ? scope.cancelRequested : undefined;
  });
}

/**
 * @param at where the action stands in the plan, for messages
 * @throws ApplicationFailure of what it calls; `Plan.MissingValue`; `Plan.TooLarge`
 */
export async function runAction(action: PlanAction, variables: PlanVariables, at: DocumentPath): Promise<unknown> {
  const given = (part: 'input' | 'value'): unknown => resolve(action[part] ?? null, variables, [...at, part]);
  const later = nextTask();
  // Without a wait in between, or commands would come in another order than histories have them.
  if (later) await later;
  switch (kindOf(action)) {
    case 'agent':
      return agents[action.agent!]!(given('input'));
    case 'tool':
      return tools[action.tool!]!(given('input'));
    case 'workflow':
      return runChild(action.workflow!, given('input'));
    case 'value':
      return given('value');
    case 'parallel':
      return runParallel(action.parallel!, variables, [...at, 'parallel']);
    case 'sequence':
      return runSequence(action.sequence!, variables, [...at, 'sequence']);
    case 'map':
      return runMap(action.map!, variables, [...at, 'map'], (known) =>
        runAction(action.map!.do, known, [...at, 'map', 'do']),
      );
    case 'refine':
      return runRefine(action.refine!, variables, [...at, 'refine'], runAction);
    case 'supervise':
      return runSupervise(action.supervise!, variables, [...at, 'supervise'], runAction);
    case 'repeatUntil':
      return runRepeat(action.repeatUntil!, variables, [...at, 'repeatUntil'], runAction);
    case 'route':
      return runRoute(action.route!, variables, [...at, 'route'], runAction);
    case 'decide':
      return runDecide(action.decide!, variables, [...at, 'decide'], runAction);
    case 'race':
      return runRace(action.race!, variables, [...at, 'race']);
    case 'hedge': {
      const { do: inner, after, attempts } = action.hedge!;
      const body = (): Promise<unknown> => runAction(inner, variables, [...at, 'hedge', 'do']);
      return hedge(body, { after: after as Duration, ...(attempts !== undefined && { attempts }) });
    }
    case 'withFallback':
      return runFallbacks(action.withFallback!, variables, [...at, 'withFallback']);
    case 'withTimeout': {
      const { do: inner, timeout } = action.withTimeout!;
      return withTimeout(timeout as Duration, () => runAction(inner, variables, [...at, 'withTimeout', 'do']));
    }
    case 'approval':
      return runApproval(action.approval!, variables, [...at, 'approval']);
    case 'handoff':
      return runHandoff(action.handoff!, variables, [...at, 'handoff'], runAction);
    case 'mesh':
      return runMesh(action.mesh!, variables, [...at, 'mesh'], runAction);
    case 'debate':
      return runDebate(action.debate!, variables, [...at, 'debate'], runAction);
    case 'waitForEvent': {
      const { name, key, timeout } = action.waitForEvent!;
      const about = key === undefined ? undefined : resolve(key, variables, [...at, 'waitForEvent', 'key']);
      return (
        (await waitForEvent(name, {
          ...(about !== undefined && { key: about as string }),
          ...(timeout !== undefined && { timeout: timeout as Duration }),
        })) ?? null
      );
    }
    case 'sleepUntil':
      await sleepUntil(resolve(action.sleepUntil, variables, [...at, 'sleepUntil']) as string);
      return null;
    case undefined:
      throw fail('Plan.Invalid', `${formatPath(at)}: this version does not know what it does`);
  }
}

async function runChild(workflow: string, input: unknown): Promise<unknown> {
  const path = nextPath(workflow);
  try {
    return (await executeChild(workflow, { args: [input] })) as unknown;
  } catch (error) {
    throw stepFailure(error, path, 'Run.TimedOut');
  }
}

/** Actions by name or in a list, as functions in the same shape. */
function bodiesOf(
  actions: Readonly<Record<string, PlanAction>> | readonly PlanAction[],
  variables: PlanVariables,
  at: DocumentPath,
): Record<string, () => Promise<unknown>> {
  const place = (name: string): string | number => (Array.isArray(actions) ? Number(name) : name);
  return Object.fromEntries(
    Object.entries(actions).map(([name, action]: [string, PlanAction]) => [
      name,
      () => runAction(action, variables, [...at, place(name)]),
    ]),
  );
}

function runParallel(
  actions: NonNullable<PlanAction['parallel']>,
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  const bodies = bodiesOf(actions, variables, at);
  return parallel(Array.isArray(actions) ? Object.values(bodies) : bodies);
}

async function runRace(
  actions: NonNullable<PlanAction['race']>,
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  const { winner, output } = await race(bodiesOf(actions, variables, at));
  return { winner: Array.isArray(actions) ? Number(winner) : winner, output };
}

async function runFallbacks(
  actions: NonNullable<PlanAction['withFallback']>,
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  const { used, output, errors } = await withFallback(bodiesOf(actions, variables, at));
  return { used: Array.isArray(actions) ? Number(used) : used, output, errors };
}

async function runSequence(
  actions: readonly PlanAction[],
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  const path = nextPath('sequence');
  let previous: unknown;
  for (const [index, action] of actions.entries()) {
    const known = index === 0 ? variables : { ...variables, previous };
    previous = await complete(branchPath(path, String(index)), () => runAction(action, known, [...at, index]));
  }
  return previous;
}

function runApproval(
  { name, title, detail, choices, timeout }: PlanApproval,
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  return approval<string>(name, {
    ...(title !== undefined && { title }),
    ...(detail !== undefined && { detail: resolve(detail, variables, [...at, 'detail']) }),
    ...(choices && { choices }),
    ...(timeout !== undefined && { timeout: timeout as Duration }),
  });
}
