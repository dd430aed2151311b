import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';

/** Workers in other processes write the same file: what was noted is read in the order in which it happened. */
export const note = defineTool({
  description: 'Notes a text.',
  input: z.object({ text: z.string() }),
  output: z.null(),
  idempotent: true,
  duration: 'quick',
  execute: ({ text }) => {
    appendFileSync(process.env['SEGNO_TEST_NOTES']!, `${text}\n`);
    return null;
  },
});
