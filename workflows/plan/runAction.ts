/**
 * Does what an action of a plan says, with the values its references lead to.
 *
 * Invariants:
 * 1. An action runs in the place its step or the action around it has given it; everything it starts takes its name there.
 * 2. References are resolved when the action begins, from values that stand still: never from what happens beside it.
 */
import { executeChild } from '@temporalio/workflow';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { kindOf, type PlanAction, type PlanApproval, type PlanRefine } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { ToolDefinition } from '../../core/tool.js';
import { proxyAgents } from '../agent/proxyAgents.js';
import { proxyTools } from '../agent/proxyTools.js';
import type { Duration } from '../deadline.js';
import { fail, stepFailure } from '../failure.js';
import { approval } from '../patterns/approval.js';
import { parallel } from '../patterns/parallel.js';
import { refine, type Review } from '../patterns/refine.js';
import { branchPath, nextPath } from '../scope.js';
import { complete } from '../settle.js';
import { type PlanVariables, resolve } from './resolve.js';
import { runMap } from './runMap.js';

const agents = proxyAgents<Record<string, AgentDefinition>>();
const tools = proxyTools<Record<string, ToolDefinition>>();

const defaultRounds = 3;

/**
 * @param at where the action stands in the plan, for messages
 * @throws ApplicationFailure of what it calls; `Plan.MissingValue`; `Plan.TooLarge`
 */
export async function runAction(action: PlanAction, variables: PlanVariables, at: DocumentPath): Promise<unknown> {
  const given = (part: 'input' | 'value'): unknown => resolve(action[part] ?? null, variables, [...at, part]);
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
      return runRefine(action.refine!, variables, [...at, 'refine']);
    case 'approval':
      return runApproval(action.approval!, variables, [...at, 'approval']);
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

function runParallel(
  actions: NonNullable<PlanAction['parallel']>,
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  if (Array.isArray(actions))
    return parallel(actions.map((action, index) => () => runAction(action, variables, [...at, index])));
  return parallel(
    Object.fromEntries(
      Object.entries(actions).map(([name, action]) => [name, () => runAction(action, variables, [...at, name])]),
    ),
  );
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

function runRefine(
  { write, review, maxRounds = defaultRounds }: PlanRefine,
  variables: PlanVariables,
  at: DocumentPath,
): Promise<unknown> {
  return refine({
    write: (feedback, draft) =>
      runAction(write, { ...variables, feedback: feedback ?? null, draft: draft ?? null }, [...at, 'write']),
    review: async (draft) => asReview(await runAction(review, { ...variables, draft }, [...at, 'review']), at),
    maxRounds,
  });
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

function asReview(output: unknown, at: DocumentPath): Review {
  const { acceptable, feedback = [], score } = (output ?? {}) as Partial<Review>;
  if (typeof acceptable !== 'boolean' || !Array.isArray(feedback))
    throw fail('Plan.MissingValue', `${formatPath([...at, 'review'])} gave no { acceptable, feedback }`);
  return { acceptable, feedback, ...(typeof score === 'number' && { score }) };
}
