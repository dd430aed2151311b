/** The workflow modules whose runs are recorded, as file URLs; today's code. */
export const recordedWorkflows = [
  new URL('../fixtures/historyProject/workflow.ts', import.meta.url).href,
  new URL('../../examples/investor-report/workflow.ts', import.meta.url).href,
  new URL('../integration/patterns/project/workflow.ts', import.meta.url).href,
  new URL('../integration/patterns/mapReduceProject/workflow.ts', import.meta.url).href,
];

export const histories = new URL('../fixtures/histories', import.meta.url).pathname;

/** A changed version of a workflow, to be replayed against the recorded runs. */
export function changed(file: string): string {
  return new URL(`./changed/${file}`, import.meta.url).href;
}
