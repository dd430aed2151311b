import { defineTool, documentRefSchema } from 'segno';
import { readDocument, selectPages } from 'segno/tools';
import { z } from 'zod';

export { renderReport } from 'segno/tools';

const queries = [
  'net revenue net sales total net income profit quarter',
  'results of operations increase decrease compared to prior year',
  'risks uncertainty could adversely affect',
];

/** Read and shortened in one step: the whole text of a hundred reports would pass through the workflow otherwise. */
export const excerptFiling = defineTool({
  description: 'Reads a report (PDF, text, Markdown) and keeps the pages that say most about results and risks.',
  input: z.object({ document: documentRefSchema }),
  output: z.object({ name: z.string(), excerpt: z.string() }),
  readOnly: true,
  timeoutMs: 120_000,
  async execute({ document }, context) {
    const { text } = await readDocument.execute({ document }, context);
    const { text: excerpt } = await selectPages.execute({ text, queries, maxTokens: 4_000 }, context);
    return { name: document.name ?? document.sha256.slice(0, 12), excerpt };
  },
});
