import { defineAgent, postReplySchema, postTurnSchema } from 'segno';
import { z } from 'zod';

/** What a post may decide on; the mandates in workflow.ts speak of its fields. */
export const measure = z.object({
  action: z.string().min(1).describe('What is to be done, in one sentence'),
  cost: z.number().min(0).describe('Cost in USD'),
  risk: z.enum(['low', 'high']).describe('high when it cannot be taken back, or may make things worse'),
});

export type Measure = z.output<typeof measure>;

const post = (duty: string) =>
  defineAgent({
    instructions: `You hold a post in the response to an incident. ${duty}
Do what "task" says. Propose the measure that helps most as "decision", or null when none is needed, and say in "report" what you know and what came of it. Give orders only to the posts in "below", and none that "reports" already answers. When "asked" is set, somebody below proposes a measure beyond its mandate: "decision" is your answer, the same measure, another one, or null for no.`,
    input: postTurnSchema,
    output: postReplySchema.extend({ decision: measure.nullable() }),
  });

export const commander = post('You command: you answer for the whole incident, and have the posts below do the work.');
export const operator = post('You run the systems, and bring them back.');
export const databaseKeeper = post('You keep the database running.');
export const spokesperson = post('You tell customers and colleagues what has happened and what comes next.');
