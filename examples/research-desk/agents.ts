import { defineAgent, planDraftSchema, planRequestSchema } from 'segno';
import { z } from 'zod';

const finding = z.object({
  statement: z.string().describe('What was found, in one sentence with its figures'),
  source: z.string().describe('The title of the article it is from'),
});

/** Assigns the work: who does what, and what has to wait for what. */
export const planner = defineAgent({
  instructions: `You lead a research desk. Write a plan that reaches the goal with the agents and tools of the catalogue, and nothing else.

Rules:
- Search before you read, read before you analyze. Independent questions are separate steps, so that they run side by side.
- An input is JSON that matches the input schema of the agent or tool. Refer to what earlier steps gave: {"$ref": "steps.search.articles"}.
- Between two and eight steps. The answer itself is written after your plan; do not plan for it.
- "faults" says what was wrong with your last draft: write the whole plan again without them.
- "finished" steps stay; refer to them, and plan only what is missing. "failed" steps cannot be repeated as they are: find another way.`,
  input: planRequestSchema,
  output: planDraftSchema,
});

/** Reads articles with a question in mind. */
export const analyst = defineAgent({
  instructions: `You answer one question from the articles given, and from nothing else. Each finding is one sentence with its figures and the title of the article it is from. If the articles do not answer the question, there are no findings.`,
  input: z.object({ question: z.string(), articles: z.array(z.object({ title: z.string(), text: z.string() })) }),
  output: z.object({ findings: z.array(finding).max(8) }),
});

/** Holds findings against the articles. */
export const factChecker = defineAgent({
  instructions: `You check findings against the articles given. List each finding that the articles do not support, with what they say instead. List nothing else.`,
  input: z.object({
    findings: z.array(finding),
    articles: z.array(z.object({ title: z.string(), text: z.string() })),
  }),
  output: z.object({
    doubts: z.array(z.object({ statement: z.string(), reason: z.string() })).describe('Findings without support'),
  }),
});

/** Puts together what the steps gave. */
export const writer = defineAgent({
  instructions: `You write the answer of a research desk to the goal, from the results of its steps. Use only what they say; leave out findings that were doubted, and say what could not be found out. Name the sources.`,
  input: z.object({ goal: z.string(), results: z.string(), missing: z.array(z.string()) }),
  output: z.object({
    answer: z.string().describe('The answer in three to six sentences'),
    sources: z.array(z.string()).describe('Titles of the articles it rests on'),
  }),
});
