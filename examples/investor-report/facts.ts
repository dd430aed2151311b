import { z } from 'zod';

const page = z.number().int().positive().nullable();

const figureOf = (what: string) =>
  z
    .object({
      current: z
        .number()
        .nullable()
        .describe(`${what} of the reported quarter (three months), in the document's unit; losses are negative`),
      prior: z
        .number()
        .nullable()
        .describe(
          `${what} of the same quarter of the year before, in the same unit; never the quarter before or the year to date`,
        ),
      growthPercent: z
        .number()
        .nullable()
        .describe(
          `Change of ${what.toLowerCase()} from prior to current in percent: as stated, else computed when both are stated; a decrease is negative`,
        ),
      pages: z
        .object({ current: page, prior: page, growthPercent: page })
        .describe(
          'The page each number stands on: N of the [page N] line before it; null where the number is null or computed',
        ),
    })
    .describe(what);

/** What a quarterly report says. Null is what it does not say. */
export const factsSchema = z.object({
  company: z.string().nullable().describe('Name of the reporting company, as the document writes it'),
  period: z
    .string()
    .nullable()
    .describe('The quarter reported on, as the document writes it, such as Q3 2024 or quarter ended June 25, 2022'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullable()
    .describe('Currency of the figures, ISO 4217 code, such as USD, INR, EUR'),
  unit: z
    .enum(['one', 'thousand', 'million', 'billion', 'lakh', 'crore'])
    .nullable()
    .describe('Unit of the figures of the statements, such as million for (in millions, except per share data)'),
  revenue: figureOf('Total revenue (net sales, total net revenue, revenue from operations)'),
  netIncome: figureOf('Net income (net profit, profit after tax, net earnings; net loss is negative)'),
  operatingExpenses: figureOf('Total operating expenses'),
  metrics: z
    .array(
      z.object({
        name: z.string().describe('What is measured, such as cloud revenue or new enterprise clients'),
        value: z.number().nullable().describe('The number, as stated'),
        unit: z.string().nullable().describe('What the number counts, such as crore, million, clients, percent'),
        growthPercent: z.number().nullable().describe('Change against the year before in percent, as stated'),
        page,
      }),
    )
    .max(12)
    .describe('Other key figures the document puts forward: segments, customers, margins'),
  highlights: z
    .array(z.object({ text: z.string().describe('One sentence of the document, shortened if long'), page }))
    .max(10)
    .describe('What the document itself says matters most for performance, results and outlook'),
});

export type Facts = z.infer<typeof factsSchema>;
export type Figure = Facts['revenue'];
