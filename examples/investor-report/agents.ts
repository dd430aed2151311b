import { defineAgent } from 'segno';
import { z } from 'zod';
import { factsSchema } from './facts.js';

const page = z
  .number()
  .int()
  .positive()
  .nullable()
  .describe('Page the statement rests on, N of its [page N] line; null if unknown');

const trendSchema = z.object({
  metric: z.string().describe('What changes, such as revenue, net income, cloud revenue'),
  direction: z.enum(['up', 'down', 'flat', 'unknown']).describe('Direction of the change'),
  statement: z.string().describe('The trend in one sentence, with its figures'),
  page,
});

const riskSchema = z.object({
  title: z.string().describe('The risk in a few words, such as supply chain disruption'),
  evidence: z.string().describe('What the document says about it, in one or two sentences, figures included'),
  severity: z.enum(['high', 'medium', 'low']).describe('How much it could harm results'),
  page,
});

const draftSchema = z.object({
  headline: z
    .string()
    .describe('The result of the quarter in one line of at most 15 words, with its most important figure'),
  summary: z
    .string()
    .describe(
      'The quarter in three to five sentences for an investor: revenue, net income, operating expenses, with their changes',
    ),
  performance: z.array(z.string()).min(1).max(6).describe('Performance and trends: one paragraph each, with figures'),
  risks: z
    .array(z.object({ title: z.string(), text: z.string(), page }))
    .max(8)
    .describe('The risks, worst first, each with its evidence and page'),
  outlook: z.string().nullable().describe('What the company itself expects; null if the document does not say'),
});

export const factExtractor = defineAgent({
  instructions: `You extract facts from a company's quarterly report. The text has a line "[page N]" before each page; a table row is one line whose cells are separated by tabs.

Rules:
- Report only what the text states. What it does not state is null. Never estimate, never take a number from memory.
- "current" is the reported quarter (three months ended). "prior" is the same quarter of the year before. Read the years and dates in the table's header to find the columns: the prior year may stand first, and in some reports the second column is the preceding quarter, which is not "prior". Ignore columns for six or nine months, half years and years to date, unless the report has nothing else.
- Prefer the statements of operations (income statement) to the discussion, and never use the cash flow statement.
- Revenue is the total, not a product, service or segment line, and not the cost of revenue. Net income is the company's total profit or loss after tax, not per share. A figure in parentheses is negative.
- Give figures in the unit of the statements ("in millions": 82,959 is 82959 with unit million) and name that unit once. Currency is an ISO 4217 code.
- "pages" names the page each figure stands on.`,
  input: z.object({ text: z.string() }),
  output: factsSchema,
});

export const trendAnalyst = defineAgent({
  instructions: `You are a financial analyst. From the facts of a quarterly report, name the trends an investor should know: growth or decline of revenue, net income, operating expenses and the other metrics, and how they relate (for example expenses growing faster than revenue).

Use only the figures given. Each trend is one sentence with its figures and unit. Where a figure is null, do not mention it. At most eight trends, the most important first.`,
  input: z.object({ facts: factsSchema }),
  output: z.object({ trends: z.array(trendSchema).max(8).describe('Trends, the most important first') }),
});

export const riskAnalyst = defineAgent({
  instructions: `You are a risk analyst. Name the risks and uncertainties stated in this quarterly report, worst first: for example supply chain disruption, currency and foreign exchange, competition, litigation, liquidity, customer concentration, regulation.

Use only risks the text or the facts state, each with its evidence (the document's own words, shortened) and its page. Do not name a risk twice. At most eight risks; an empty list if none is stated.`,
  input: z.object({ facts: factsSchema, text: z.string().describe('The pages of the report that speak of risks') }),
  output: z.object({ risks: z.array(riskSchema).max(8).describe('Risks, worst first') }),
});

export const reportWriter = defineAgent({
  instructions: `You write the summary of a quarterly report for investors, from its facts, trends and risks.

Plain, precise, neutral English. Every figure comes from the facts, with currency and unit, exactly as given; what is null is not mentioned or called "not stated". Mention revenue, net income and operating expenses with their changes wherever the facts have them. No advice to buy or sell, no praise.

When there is feedback from the editor, write the whole draft again and settle every point of it.`,
  input: z.object({
    facts: factsSchema,
    trends: z.array(trendSchema),
    risks: z.array(riskSchema),
    feedback: z.array(z.string()).optional().describe('What the editor asks to change in the last draft'),
  }),
  output: draftSchema,
});

export const editor = defineAgent({
  instructions: `You are the editor. Review the draft of an investor summary against the facts.

It is acceptable when: revenue, net income and operating expenses appear with their figures wherever the facts have them; no figure contradicts the facts or is absent from them; the risks stand with their evidence; the language is plain and neutral.

If it is not acceptable, the feedback says for each fault what is wrong and what to write instead, naming the figure. If it is acceptable, the feedback is empty.`,
  input: z.object({ facts: factsSchema, draft: draftSchema }),
  output: z.object({
    acceptable: z.boolean().describe('Whether the draft can be handed to investors as it is'),
    feedback: z.array(z.string()).max(10).describe('What to change, one point each; empty when acceptable'),
  }),
});

export const formatter = defineAgent({
  instructions: `You lay out an approved investor summary. Give the report its title (company and period) and the headings of its parts, and put each paragraph of the draft under the part it belongs to.

Keep the wording and every figure of the draft; add nothing, leave nothing out except repetitions. Tables and charts are added later.`,
  input: z.object({ company: z.string().nullable(), period: z.string().nullable(), draft: draftSchema }),
  output: z.object({
    title: z
      .string()
      .describe('Title of the report: the company, then "Investor summary", such as TechCorp India: Investor summary'),
    subtitle: z.string().nullable().describe('The period, such as Q3 2024'),
    summaryHeading: z.string().describe('Heading of the summary, such as Summary'),
    summary: z.array(z.string()).min(1).max(6).describe('Paragraphs of the summary'),
    performanceHeading: z
      .string()
      .describe('Heading of the part on performance and trends, such as Performance and trends'),
    performance: z.array(z.string()).max(8).describe('Paragraphs on performance and trends'),
    risksHeading: z.string().describe('Heading of the part on risks, such as Risks'),
  }),
});

export type { Facts, Figure } from './facts.js';
export type Draft = z.infer<typeof draftSchema>;
export type Layout = z.infer<(typeof formatter)['output']>;
