/** The decisions of a plan. */
import type { Vote } from '../../core/decide/countVotes.js';
import type { Alternatives } from '../../core/decide/criteria.js';
import { decideByTable } from '../../core/decide/decisionTable.js';
import { topsis } from '../../core/decide/topsis.js';
import { weightedSum } from '../../core/decide/weightedSum.js';
import type { PlanAction } from '../../core/plan/plan.js';
import { criteriaOf, type PlanDecide } from '../../core/plan/planDecide.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { decided } from '../patterns/decide.js';
import { ensemble } from '../patterns/ensemble.js';
import { type PlanVariables, resolve } from './resolve.js';
import type { RunAction } from './runReviewed.js';

export async function runDecide(
  plan: PlanDecide<PlanAction>,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const where = (method: string): string => `at ${formatPath([...at, method])}`;
  if (plan.table) return decided(where('table'), decideByTable(plan.table, variables));
  const measured = criteriaOf(plan);
  if (measured) {
    const { method, options } = measured;
    const alternatives = resolve(options.alternatives, variables, [...at, method, 'alternatives']) as Alternatives;
    if (plan.topsis) return decided(where(method), topsis({ ...plan.topsis, alternatives }));
    return decided(where(method), weightedSum({ ...plan.weightedSum!, alternatives }));
  }
  if (!plan.ensemble) throw fail('Plan.Invalid', `${formatPath(at)}: this version does not know how it decides`);
  const { voters, quorum, timeout, ...voting } = plan.ensemble;
  const asked = Object.entries(voters).map(([name, action]) => {
    const place = [...at, 'ensemble', 'voters', name];
    return [name, async () => (await run(action, variables, place)) as Vote] as const;
  });
  return ensemble<string>(Object.fromEntries(asked), {
    ...voting,
    ...(quorum !== undefined && { quorum }),
    ...(timeout !== undefined && { timeout: timeout as Duration }),
  });
}
