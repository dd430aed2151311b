import { z } from 'zod';

const text = (max: number) => z.string().max(max);
const page = z.number().int().positive().nullable().optional();

const bulletSchema = z.union([
  text(4_000),
  z.object({
    lead: text(300).optional().describe('Printed in bold before the text'),
    text: text(4_000),
    page: page.describe('Page it rests on'),
  }),
]);

const tableSchema = z.object({
  columns: z
    .array(
      z.object({
        label: text(120),
        align: z.enum(['left', 'right']).optional().describe('Default: left for the first, right for the others'),
      }),
    )
    .min(1)
    .max(8),
  rows: z.array(z.array(text(500)).max(8)).max(1_000),
  note: text(600).optional().describe('Printed small under the table'),
});

const chartSchema = z.object({
  title: text(200),
  unit: text(60).optional().describe('Unit of the values, such as ₹ crore'),
  series: z.array(text(80)).min(1).max(4).describe('Names of the bars within a group'),
  groups: z
    .array(z.object({ label: text(80), values: z.array(z.number().nullable()).max(4) }))
    .max(12)
    .describe('One group of bars each; null draws no bar'),
});

export const reportSchema = z.object({
  title: text(200).min(1),
  subtitle: text(300).optional(),
  date: z.iso.date().optional().describe('Date of the report; also the PDF’s creation date'),
  author: text(120).optional(),
  source: text(300).optional().describe('What the report rests on; printed in the footer'),
  figures: z
    .array(
      z.object({
        label: text(60),
        value: text(60),
        note: text(80).optional(),
        tone: z.enum(['good', 'bad', 'plain']).optional(),
      }),
    )
    .max(4)
    .optional()
    .describe('Key figures, printed large at the top'),
  sections: z
    .array(
      z.object({
        heading: text(200),
        newPage: z.boolean().optional().describe('Start this section on a page of its own'),
        paragraphs: z.array(text(20_000)).max(200).optional(),
        bullets: z.array(bulletSchema).max(200).optional(),
        table: tableSchema.optional(),
        chart: chartSchema.optional(),
      }),
    )
    .max(100),
});

export type Report = z.infer<typeof reportSchema>;
export type ReportSection = Report['sections'][number];
export type ReportTable = z.infer<typeof tableSchema>;
export type ReportChart = z.infer<typeof chartSchema>;
export type ReportFigure = NonNullable<Report['figures']>[number];
export type ReportBullet = z.infer<typeof bulletSchema>;
