import { z } from 'zod';
import { defineTool } from '../../core/defineTool.js';
import { documentRefSchema } from '../../core/document.js';
import { drawReport } from './report/drawReport.js';
import { reportSchema } from './report/reportSchema.js';

/**
 * Draws a report as an A4 PDF and stores it by content: the same report is the same document, however often it is rendered.
 */
export const renderReport = defineTool({
  description: 'Render a structured report (sections, bullets, a table, a bar chart) as a PDF document.',
  input: z.object({
    report: reportSchema,
    fileName: z
      .string()
      .min(1)
      .max(120)
      .regex(/^[^/\\\p{Cc}]+$/u, 'a file name without folders')
      .default('report.pdf'),
  }),
  output: z.object({ document: documentRefSchema }),
  readOnly: false,
  idempotent: true,
  duration: 'long',
  timeoutMs: 120_000,
  async execute({ report, fileName }, { documents, signal }) {
    signal.throwIfAborted();
    const bytes = await drawReport(report);
    return { document: await documents.write(bytes, 'application/pdf', fileName) };
  },
});
