import { defineAgent } from 'segno';
import { z } from 'zod';

export {
  editor,
  factExtractor,
  formatter,
  reportWriter,
  riskAnalyst,
  trendAnalyst,
} from '../../../examples/investor-report/agents.js';

/** Its instructions come from the environment, so that a test can deploy another definition of it. */
export const clerk = defineAgent({
  instructions: process.env['SEGNO_CHAOS_CLERK'] ?? 'Summarize the note in one sentence.',
  input: z.object({ note: z.string() }),
  output: z.object({ summary: z.string() }),
});
