import { readdirSync } from 'node:fs';

const examples = new URL('../../examples/', import.meta.url);
export const exampleWorkflows = readdirSync(examples).map((name) => new URL(`${name}/workflow.ts`, examples).href);

/** The workflow modules whose runs are recorded, as file URLs; today's code. */
export const recordedWorkflows = [
  new URL('../fixtures/historyProject/workflow.ts', import.meta.url).href,
  ...exampleWorkflows,
  new URL('../integration/patterns/project/workflow.ts', import.meta.url).href,
  new URL('../integration/patterns/mapReduceProject/workflow.ts', import.meta.url).href,
  new URL('../integration/effects/project/workflow.ts', import.meta.url).href,
];

export const histories = new URL('../fixtures/histories', import.meta.url).pathname;

/** A changed version of a workflow, to be replayed against the recorded runs. */
export function changed(file: string): string {
  return new URL(`./changed/${file}`, import.meta.url).href;
}
