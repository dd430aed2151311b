import { defineAgent } from 'segno';
import { z } from 'zod';

const note = z.object({
  company: z.string().describe('The company the report is about'),
  period: z.string().describe('The period it reports on, such as Q3 2024'),
  headline: z.string().describe('The most important result in one sentence with its figure'),
  risk: z.string().nullable().describe('The gravest risk it names, in one sentence; null if it names none'),
});
const digest = z.object({
  overview: z.string().describe('What the reports have in common and where they differ, in two to four sentences'),
  entries: z.array(note).describe('Every report, in the order given'),
});

export type Digest = z.output<typeof digest>;

/** Reads one report. */
export const filingAnalyst = defineAgent({
  instructions: `You read excerpts of one company's report and note what an investor has to know of it. Only what the text says; figures with their unit.`,
  input: z.object({ name: z.string(), excerpt: z.string() }),
  output: note,
});

/** Brings the notes on up to fifty reports together. */
export const digestEditor = defineAgent({
  instructions: `You write the overview of a digest of company reports, from the notes on each. Use only the notes. Copy the notes themselves into "entries", in their order and word for word.`,
  input: z.array(note),
  output: digest,
});

/** Brings digests together when there were more reports than one editor can take. */
export const digestCombiner = defineAgent({
  instructions: `You bring several digests of company reports together into one: one overview from theirs, and all their entries, in their order and word for word.`,
  input: z.array(digest),
  output: digest,
});
