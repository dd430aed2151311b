import { defineAgent } from 'segno';
import { z } from 'zod';

const note = z.object({
  company: z.string().describe('The company the report is about'),
  period: z.string().describe('The period it reports on, such as Q3 2024'),
  keyResult: z.string().describe('The most important result in one sentence with its figure'),
  risk: z.string().nullable().describe('The gravest risk it names, in one sentence; null if it names none'),
});
export type Note = z.output<typeof note>;

/** Reads one report. */
export const filingAnalyst = defineAgent({
  instructions: `You read excerpts of one company's report and note what an investor has to know of it. Only what the text says; figures with their unit.`,
  input: z.object({ name: z.string(), excerpt: z.string() }),
  output: note,
});

const overview = z.object({
  overview: z.string().describe('What the reports have in common and where they differ, in two to four sentences'),
});

/** Brings the notes on up to fifty reports together. */
export const digestEditor = defineAgent({
  instructions: `You write the overview of a digest of company reports, from the notes on each. Use only the notes.`,
  input: z.object({ notes: z.array(note) }),
  output: overview,
});

/** Brings overviews together when there were more reports than one editor can take. */
export const digestCombiner = defineAgent({
  instructions: `You bring several overviews of company reports together into one. Use only what they say.`,
  input: z.object({ overviews: z.array(z.string()) }),
  output: overview,
});
