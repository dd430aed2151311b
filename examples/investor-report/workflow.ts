import type { DocumentRef } from 'segno';
import { parallel, proxyAgents, proxyTools, refine } from 'segno/workflow';
import type { Facts } from './facts.js';
import { investorSummary, mailOf } from './investorSummary.js';

const { factExtractor, trendAnalyst, riskAnalyst, reportWriter, editor, formatter } = proxyAgents<
  typeof import('./agents.js')
>({ timeout: '10m' });
const { readDocument, selectPages, renderReport, sendMail } = proxyTools<typeof import('./tools.js')>();

export interface InvestorReportInput {
  /** The quarterly report: PDF, text, Markdown or CSV. */
  document: DocumentRef;
  /** Who gets the summary by mail; nobody when left out. */
  mailTo?: string | string[];
}

export interface InvestorReport extends Facts {
  /** The summary, a PDF. */
  document: DocumentRef;
  /** Whether the editor accepted the text, and after how many drafts. */
  reviewed: { acceptable: boolean; rounds: number };
  mail?: { messageId: string; delivery: 'smtp' | 'outbox'; path?: string };
}

const factQueries = [
  'consolidated statements of operations net revenue net sales total operating expenses net income three months ended',
  'statements of income earnings profit and loss quarter ended unaudited results',
  'results of operations increase decrease compared to prior year quarter percent change',
  'in millions in thousands except per share crore lakh',
  'customers segment cloud growth margin highlights outlook',
];
const riskQueries = [
  'risk factors could adversely affect our business',
  'risks supply chain disruption competition uncertainty',
  'foreign currency exchange rate interest rate market risk',
  'legal proceedings litigation regulation contingencies',
];

/** From a quarterly report to a summary an investor can be handed. */
export async function investorReport({ document, mailTo }: InvestorReportInput): Promise<InvestorReport> {
  const { text } = await readDocument({ document });
  const { factPages, riskPages } = await parallel({
    factPages: () => selectPages({ text, queries: factQueries, maxTokens: 30_000 }),
    riskPages: () => selectPages({ text, queries: riskQueries, maxTokens: 15_000 }),
  });
  const facts = await factExtractor({ text: factPages.text });
  const { trends, risks } = await parallel({
    trends: async () => (await trendAnalyst({ facts })).trends,
    risks: async () => (await riskAnalyst({ facts, text: riskPages.text })).risks,
  });
  const { draft, acceptable, rounds } = await refine({
    write: (feedback) => reportWriter({ facts, trends, risks, ...(feedback && { feedback }) }),
    review: (draft) => editor({ facts, draft }),
    maxRounds: 3,
  });
  const layout = await formatter({ company: facts.company, period: facts.period, draft });
  const report = investorSummary(facts, draft, layout, document.name);
  const { document: summary } = await renderReport({ report, fileName: 'investor-summary.pdf' });
  const result = { ...facts, document: summary, reviewed: { acceptable, rounds } };
  if (mailTo === undefined) return result;
  const { messageId, delivery, path } = await sendMail({ to: mailTo, ...mailOf(facts, draft), attachments: [summary] });
  return { ...result, mail: { messageId, delivery, ...(path !== undefined && { path }) } };
}
