import type { PlanDraft } from 'segno';
import { planAndRun, proxyAgents, type TaskLogEntry } from 'segno/workflow';

const { planner, writer } = proxyAgents<typeof import('./agents.js')>({ timeout: '10m' });

export interface ResearchInput {
  /** What the desk is to find out. */
  question: string;
}

export interface ResearchReport {
  answer: string;
  sources: string[];
  /** Who did what, in order. */
  log: TaskLogEntry[];
}

/** A planner assigns work to the desk's agents, the work is done as planned, and a writer answers from its results. */
export async function researchDesk({ question }: ResearchInput): Promise<ResearchReport> {
  const { output, log } = await planAndRun({
    goal: question,
    input: { question },
    agents: ['analyst', 'factChecker'],
    tools: ['searchLibrary'],
    // A model that cannot plan is no reason to leave a question unanswered.
    plan: (request) => (request.faults.length === 0 ? planner(request) : Promise.resolve(standardPlan)),
    maxDrafts: 2,
    synthesize: ({ goal, outputs, failed }) =>
      writer({
        goal,
        results: Object.entries(outputs)
          .map(([step, output]) => `${step}:\n${textsIn(output).join('\n')}`)
          .join('\n\n'),
        missing: failed.map(({ id }) => id),
      }),
    onFailure: 'continue',
    maxSteps: 12,
    timeout: '1h',
  });
  return { ...output, log };
}

/** What the steps gave has as many forms as there are agents: its texts are what a writer reads. */
function textsIn(output: unknown): string[] {
  if (typeof output === 'string') return [output];
  if (typeof output !== 'object' || output === null) return [];
  return Object.values(output).flatMap(textsIn);
}

const standardPlan: PlanDraft = {
  steps: [
    { id: 'search', agent: null, tool: 'searchLibrary', input: '{"query": {"$ref": "input.question"}}', after: [] },
    {
      id: 'analyze',
      agent: 'analyst',
      tool: null,
      input: '{"question": {"$ref": "input.question"}, "articles": {"$ref": "steps.search.articles"}}',
      after: [],
    },
    {
      id: 'check',
      agent: 'factChecker',
      tool: null,
      input: '{"findings": {"$ref": "steps.analyze.findings"}, "articles": {"$ref": "steps.search.articles"}}',
      after: [],
    },
  ],
};
