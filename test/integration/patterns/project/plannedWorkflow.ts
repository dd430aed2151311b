import type { PlanDraft, PlanRequest } from '../../../../core/index.js';
import {
  planAndRun,
  type PlanAndRunOptions,
  type PlannedRun,
  type PlanOutcome,
  proxyTools,
} from '../../../../workflows/index.js';

const { note } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

export interface PlannedInput {
  case: string;
  /** What the planner writes, draft by draft; the last is repeated. */
  drafts: PlanDraft[];
  approvals?: boolean[];
  options?: Omit<PlanAndRunOptions<PlanOutcome>, 'goal' | 'plan' | 'synthesize' | 'approve'>;
}

export interface PlannedOutput extends PlannedRun<PlanOutcome> {
  /** What the planner was asked. */
  asked: PlanRequest[];
}

/** A planner whose drafts are given. */
export async function planned({ case: name, drafts, approvals, options }: PlannedInput): Promise<PlannedOutput> {
  const asked: PlanRequest[] = [];
  const result = await planAndRun({
    goal: 'find out',
    input: { case: name },
    tools: ['note', 'refuse'],
    ...options,
    plan: (request) => {
      asked.push(request);
      return Promise.resolve(drafts[Math.min(asked.length, drafts.length) - 1]!);
    },
    ...(approvals && {
      approve: async ({ plan }) => {
        await note({ case: name, text: `approve ${plan.steps.map(({ id }) => id).join(' ')}` });
        return approvals.shift() ?? true;
      },
    }),
    synthesize: (outcome) => Promise.resolve(outcome),
  });
  return { ...result, asked };
}
