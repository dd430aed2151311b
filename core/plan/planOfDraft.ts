import type { Plan, PlanStep } from './plan.js';
import type { PlanDraft } from './planDraft.js';

/**
 * A draft as a plan behind the finished steps of the plan before: they stay as they are, and the draft adds to them.
 *
 * @returns the document to check, or what makes the draft none
 */
export function planOfDraft(draft: PlanDraft, finished: readonly PlanStep[]): { plan: Plan } | { faults: string[] } {
  const faults: string[] = [];
  const done = new Set(finished.map(({ id }) => id));
  const steps = draft.steps.flatMap(({ id, agent, tool, input, after }, index): PlanStep[] => {
    const given = jsonOf(input);
    if (given === undefined) faults.push(`steps[${index}].input: it is no JSON`);
    if (done.has(id)) faults.push(`steps[${index}].id: ${id} is finished; leave it out, or give a new step another id`);
    return [{ id, ...(agent !== null && { agent }), ...(tool !== null && { tool }), input: given, after }];
  });
  if (faults.length > 0) return { faults };
  return { plan: { version: 1, name: 'plan', onFailure: 'continue', steps: [...finished, ...steps] } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
