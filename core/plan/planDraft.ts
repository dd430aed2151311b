/**
 * What a planner agent is asked and what it answers, for `planAndRun`.
 *
 * The answer's schema has no open objects and no recursion: every provider can hold a model to it. A step's input is JSON as text,
 * checked afterwards like the rest of the plan.
 */
import { z } from 'zod';

/** The input of a planner agent. */
export const planRequestSchema = z.object({
  goal: z.string(),
  /** Who and what the plan may use, with the JSON Schemas of inputs and outputs. */
  catalogue: z.string(),
  /** What was wrong with the draft before. */
  faults: z.array(z.string()),
  /** Steps of the plan before that are done; they stay, and new steps may refer to them. */
  finished: z.array(z.object({ id: z.string(), output: z.string() })),
  /** Steps of the plan before that failed or were skipped; the goal has to be reached another way. */
  failed: z.array(z.object({ id: z.string(), error: z.string() })),
});

/** The output of a planner agent. */
export const planDraftSchema = z.object({
  steps: z.array(
    z.object({
      id: z.string().describe('A short name of letters, digits and _, that no other step has'),
      agent: z.string().nullable().describe('The agent of the catalogue that does it; null when a tool does'),
      tool: z.string().nullable().describe('The tool of the catalogue that does it; null when an agent does'),
      input: z
        .string()
        .describe(
          'Its input as JSON text. {"$ref": "steps.ID.FIELD"} stands for a field of the output of step ID, {"$ref": "input.FIELD"} for one of the given input',
        ),
      after: z.array(z.string()).describe('Ids of steps it must wait for although it does not refer to them'),
    }),
  ),
});

export type PlanRequest = z.output<typeof planRequestSchema>;
export type PlanDraft = z.output<typeof planDraftSchema>;
