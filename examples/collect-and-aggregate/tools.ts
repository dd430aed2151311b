import { defineTool, documentRefSchema } from 'segno';
import { z } from 'zod';

export { readDocument, sendMail } from 'segno/tools';

/** A document is named by its content: saved twice, it is the same one. */
export const saveReport = defineTool({
  description: 'Save a report as a Markdown document.',
  input: z.object({ fileName: z.string().regex(/^[\w.-]+\.md$/), markdown: z.string().max(200_000) }),
  output: z.object({ document: documentRefSchema }),
  idempotent: true,
  duration: 'quick',
  execute: async ({ fileName, markdown }, { documents }) => ({
    document: await documents.write(new TextEncoder().encode(`${markdown}\n`), 'text/markdown', fileName),
  }),
});
