import { defineTool, documentRefSchema } from 'segno';
import { z } from 'zod';
import { measure } from './agents.js';

/** Stands for what really acts: it takes down what was done. A document is named by its content: noted twice, it is the same one. */
export const carryOut = defineTool({
  description: 'Carries out a measure against an incident, and notes it.',
  input: z.object({ measure, proposedBy: z.string(), decidedBy: z.string() }),
  output: z.object({ note: documentRefSchema }),
  idempotent: true,
  duration: 'quick',
  execute: async ({ measure: { action, cost, risk }, proposedBy, decidedBy }, { documents }) => {
    const note = `Done: ${action} ($${cost}, risk ${risk}). Proposed by ${proposedBy}, decided by ${decidedBy}.\n`;
    return { note: await documents.write(new TextEncoder().encode(note), 'text/plain', 'measure.txt') };
  },
});
