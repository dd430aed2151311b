/**
 * What statements call things. Each concept lists its labels best first: where a statement has several, the first in the
 * list is the figure meant (`Total revenues` before `Revenues`). Labels are compared after `plainLabel`.
 */
export interface FinanceConcept {
  /** Field names, as words, that mean this concept: `netProfit` is `net profit`. */
  readonly names: readonly string[];
  readonly labels: readonly string[];
  /** Labels that hold the words and mean something else. */
  readonly not: RegExp;
  /** Words that running text uses for it, longest first. */
  readonly prose: readonly string[];
  /** A flow over a period (revenue) rather than a stock on a day (cash). */
  readonly flow: boolean;
  readonly perShare?: boolean;
  /** A label for people. */
  readonly title: string;
  /** Of a concept made from a field's own words: a label means it when it has all of these stems. */
  readonly stems?: readonly string[];
}

const never = /$^/;

export const financeConcepts: Readonly<Record<string, FinanceConcept>> = {
  revenue: {
    title: 'Revenue',
    names: ['revenue', 'revenues', 'total revenue', 'total revenues', 'net revenue', 'net sales', 'sales', 'total sales', 'turnover', 'top line'],
    labels: [
      'total net sales', 'total net revenues', 'total net revenue', 'total revenues net', 'total revenue net', 'total revenues', 'total revenue', 'total operating revenues', 'total operating revenue',
      'total net sales and revenues', 'total net sales and revenue', 'total sales and revenues', 'total sales', 'total revenues net of interest expense',
      'total revenue net of interest expense', 'total net operating revenues', 'revenue from operations', 'total revenue from operations', 'revenues from operations',
      'net revenues', 'net revenue', 'net sales', 'revenues net', 'revenue net', 'net operating revenues', 'operating revenues', 'operating revenue', 'revenues', 'revenue',
      'sales to customers', 'sales and other operating revenues', 'sales and other operating revenue', 'total revenues and other income', 'total revenue and other income',
      'sales', 'net sales including', 'consolidated revenue', 'consolidated revenues', 'consolidated net sales', 'turnover', 'total income from operations', 'income from operations net', 'total income', 'total net interest and noninterest income',
    ],
    not: /\b(?:cost|costs|deferred|unearned|percent|percentage|of revenues?|of net sales|per|expenses?|tax|growth|change|excess|loss|income before|marketing|other revenues?|remaining|backlog)\b/,
    prose: ['total net sales', 'total net revenue', 'total revenues', 'total revenue', 'revenue from operations', 'net sales', 'net revenues', 'net revenue', 'turnover', 'revenues', 'revenue', 'sales'],
    flow: true,
  },
  netIncome: {
    title: 'Net income',
    names: ['net income', 'net profit', 'net loss', 'net income loss', 'net earnings', 'profit after tax', 'profit', 'pat', 'earnings', 'bottom line'],
    labels: [
      'net income', 'net loss', 'net income loss', 'net loss income', 'net earnings', 'net earnings loss', 'net loss earnings', 'net profit', 'net profit loss', 'consolidated net income', 'consolidated net income loss', 'consolidated net loss',
      'net profit after tax', 'profit after tax', 'profit loss after tax', 'profit for the period', 'profit loss for the period', 'loss for the period', 'profit for the quarter', 'profit for the period year', 'net profit for the period', 'net profit loss for the period', 'net profit for the period after tax', 'net profit loss for the period after tax', 'profit for the period quarter year',
      'net income including noncontrolling interests', 'net income loss including noncontrolling interests', 'net loss including noncontrolling interests', 'net income including non controlling interests', 'net loss including non controlling interests', 'net income loss including non controlling interests', 'net income before noncontrolling interests', 'net earnings including noncontrolling interests',
      'net income loss before noncontrolling interests', 'net income and comprehensive income', 'net loss and comprehensive loss', 'net income loss and comprehensive income loss', 'net income from continuing operations and net income',
    ],
    not: /\b(?:per|attributable to (?:the )?non|attributable to redeemable|margin|percent|percentage|adjust\w*|pro forma|before|from discontinued|reconcil\w*|other comprehensive|allocated|distributed|undistributed|equity method|affiliates|subsidiar\w*|noncontrolling interests?|non controlling interests?)\b/,
    prose: ['net income', 'net profit', 'net earnings', 'profit after tax', 'net loss', 'profit for the quarter', 'profit for the period', 'pat'],
    flow: true,
  },
  operatingExpenses: {
    title: 'Operating expenses',
    names: ['operating expenses', 'operating expense', 'total operating expenses', 'opex', 'operating costs', 'expenses', 'total expenses'],
    labels: ['total operating expenses', 'operating expenses', 'total operating expenses net', 'total operating costs and expenses', 'total costs and expenses', 'total costs and operating expenses', 'total costs expenses and other', 'costs and expenses', 'total expenses', 'total costs and other', 'total operating costs', 'total costs', 'total noninterest expense', 'total non interest expenses', 'total benefits losses and expenses', 'total costs and deductions'],
    not: /\b(?:per|other operating|percent|percentage|excluding|before|net operating|non operating|nonoperating|of revenues?)\b/,
    prose: ['total operating expenses', 'operating expenses', 'operating costs', 'opex', 'total expenses', 'costs and expenses'],
    flow: true,
  },
  operatingIncome: {
    title: 'Operating income',
    names: ['operating income', 'operating profit', 'income from operations', 'operating loss', 'ebit'],
    labels: ['operating income', 'operating income loss', 'operating loss', 'income from operations', 'income loss from operations', 'loss from operations', 'operating profit', 'operating profit loss', 'total operating income', 'loss income from operations'],
    not: /\b(?:per|other|percent|margin|non operating|adjusted|before)\b/,
    prose: ['operating income', 'operating profit', 'income from operations', 'operating loss', 'loss from operations', 'ebit'],
    flow: true,
  },
  grossProfit: {
    title: 'Gross profit',
    names: ['gross profit', 'gross income', 'gross margin'],
    labels: ['gross profit', 'gross margin', 'total gross margin', 'total gross profit', 'gross profit loss'],
    not: /\b(?:per|percent|percentage|adjusted)\b/,
    prose: ['gross profit', 'gross margin'],
    flow: true,
  },
  costOfRevenue: {
    title: 'Cost of revenue',
    names: ['cost of revenue', 'cost of revenues', 'cost of sales', 'cost of goods sold', 'cogs'],
    labels: ['total cost of sales', 'total cost of revenue', 'total cost of revenues', 'cost of sales', 'cost of revenue', 'cost of revenues', 'cost of goods sold', 'cost of products sold'],
    not: /\bper\b/,
    prose: ['cost of revenues', 'cost of revenue', 'cost of sales', 'cost of goods sold'],
    flow: true,
  },
  researchAndDevelopment: {
    title: 'Research and development',
    names: ['research and development', 'research development', 'r d', 'rnd'],
    labels: ['research and development', 'research and development expenses', 'research and development expense', 'research and development costs', 'technology and development', 'technology and content', 'technology and infrastructure', 'product development'],
    not: /\bper\b/,
    prose: ['research and development', 'r&d'],
    flow: true,
  },
  earningsPerShare: {
    title: 'Diluted earnings per share',
    names: ['eps', 'earnings per share', 'diluted eps', 'diluted earnings per share', 'net income per share'],
    labels: ['diluted earnings per share', 'diluted earnings loss per share', 'diluted net income per share', 'earnings per share diluted', 'earnings per common share diluted', 'net income per share diluted', 'net loss per share basic and diluted', 'diluted net income loss per share', 'diluted eps', 'diluted'],
    not: never,
    prose: ['diluted earnings per share', 'earnings per share', 'diluted eps', 'eps'],
    flow: true,
    perShare: true,
  },
  cash: {
    title: 'Cash and cash equivalents',
    names: ['cash', 'cash and cash equivalents', 'cash balance'],
    labels: ['cash and cash equivalents', 'cash cash equivalents and marketable securities', 'total cash and cash equivalents', 'cash'],
    not: /\b(?:per|used|provided|beginning|increase|decrease|dividends?|paid)\b/,
    prose: ['cash and cash equivalents', 'cash balance'],
    flow: false,
  },
  operatingCashFlow: {
    title: 'Operating cash flow',
    names: ['operating cash flow', 'cash from operations', 'cash flow from operations', 'cash generated by operating activities'],
    labels: ['cash generated by operating activities', 'net cash provided by operating activities', 'net cash provided by used in operating activities', 'net cash used in operating activities', 'net cash from operations', 'net cash from operating activities'],
    not: never,
    prose: ['operating cash flow', 'cash generated by operating activities', 'cash provided by operating activities'],
    flow: true,
  },
  totalAssets: {
    title: 'Total assets',
    names: ['total assets', 'assets'],
    labels: ['total assets'],
    not: /\bper\b/,
    prose: ['total assets'],
    flow: false,
  },
  longTermDebt: {
    title: 'Long-term debt',
    names: ['debt', 'long term debt', 'total debt', 'borrowings'],
    labels: ['total debt', 'long term debt', 'term debt', 'total borrowings', 'borrowings'],
    not: /\b(?:current portion|repayment|proceeds)\b/,
    prose: ['total debt', 'long-term debt', 'borrowings'],
    flow: false,
  },
}; // prettier-ignore

/** A label without notes in brackets, punctuation and case: `Net income (loss)¹` is `net income loss`. */
export function plainLabel(label: string): string {
  return label
    .toLowerCase()
    .replace(
      /\((?:note[^)]*|\d{1,2}|[a-h]|unaudited|refer[^)]*|see[^)]*|including[^)]*|net of[^)]*|[+*\d\s-]+)\)/g,
      ' ',
    )
    .replace(/\[[^\]]{0,20}\]/g, ' ')
    .replace(/[’']s\b/g, 's')
    .replace(/&/g, ' and ')
    .replace(/[^a-z\s]/g, ' ')
    .replace(/^\s*(?:[a-z]|i{1,3}|iv|v|vi{1,3}|ix|x)\s(?=\s*[a-z]{2})/, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The key of the concept a field's words name, or null. Longest name first: `net income` is not `income`. */
export function conceptKeyOf(words: readonly string[]): string | null {
  const text = ` ${words.join(' ')} `;
  let best: { key: string; length: number } | null = null;
  for (const [key, concept] of Object.entries(financeConcepts)) {
    for (const name of concept.names) {
      if (text.includes(` ${name} `) && name.length > (best?.length ?? 0)) best = { key, length: name.length };
    }
  }
  return best?.key ?? null;
}
