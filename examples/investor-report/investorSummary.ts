/** The report as it is rendered: the figures come straight from the facts, so that no model can change them on the way. */
import type { Report } from 'segno/tools';
import type { Draft, Facts, Figure, Layout } from './agents.js';

const notStated = 'not stated';
const currencySigns: Record<string, string> = { USD: '$', INR: '₹', EUR: '€', GBP: '£', JPY: '¥' };

/** @param sourceName the document's file name, for the footer */
export function investorSummary(facts: Facts, draft: Draft, layout: Layout, sourceName: string | undefined): Report {
  const lines: [string, Figure][] = [
    ['Revenue', facts.revenue],
    ['Net income', facts.netIncome],
    ['Operating expenses', facts.operatingExpenses],
  ];
  return {
    title: cut(layout.title, 200) || 'Investor summary',
    ...subtitleOf(layout.subtitle ?? facts.period),
    author: 'Segno',
    source: cut(
      `From ${sourceName ?? 'the report'}${facts.period ? `, ${facts.period}` : ''}. Page numbers refer to that document.`,
      300,
    ),
    figures: lines.map(([label, figure]) => tileOf(facts, label, figure)),
    sections: [
      { heading: cut(layout.summaryHeading, 200) || 'Summary', paragraphs: layout.summary },
      {
        heading: 'Figures',
        table: {
          columns: ['', 'This quarter', 'A year before', 'Change', 'Page'].map((label) => ({ label })),
          rows: [
            ...lines.map(([label, figure]) => rowOf(label, figure)),
            ...facts.metrics.map((metric) => metricRow(facts, metric)),
          ],
          note: `Figures in ${unitOf(facts) || 'the document’s unit'}. “${notStated}” is what the document does not say; * is computed from the two quarters.`,
        },
        ...chartOf(facts, lines),
      },
      { heading: cut(layout.performanceHeading, 200) || 'Performance and trends', paragraphs: layout.performance },
      ...(facts.highlights.length > 0
        ? [{ heading: 'In the company’s words', bullets: facts.highlights.map(({ text, page }) => ({ text, page })) }]
        : []),
      {
        heading: cut(layout.risksHeading, 200) || 'Risks',
        ...(draft.risks.length > 0
          ? {
              bullets: draft.risks.map(riskBullet),
            }
          : { paragraphs: ['The document states no risks.'] }),
      },
      ...(draft.outlook ? [{ heading: 'Outlook', paragraphs: [draft.outlook] }] : []),
    ],
  };
}

/** The subject and text of the mail that carries the report. */
export function mailOf(facts: Facts, draft: Draft): { subject: string; text: string } {
  const subject = ['Investor summary', facts.company, facts.period].filter((part) => part).join(' – ');
  return {
    subject: cut(subject.replace(/\s+/g, ' '), 300),
    text: `${draft.headline}\n\n${draft.summary}\n\nThe full summary is attached.\n`,
  };
}

function tileOf(facts: Facts, label: string, figure: Figure): NonNullable<Report['figures']>[number] {
  const change = changeOf(figure);
  const note = change === null ? undefined : `${signed(change.percent)} on the year${change.computed ? ' *' : ''}`;
  const good =
    label === 'Operating expenses' ? undefined : change && (change.percent >= 0 ? ('good' as const) : ('bad' as const));
  return {
    label,
    value: figure.current === null ? notStated : cut(money(facts, figure.current), 60),
    ...(note && { note }),
    ...(good && { tone: good }),
  };
}

function rowOf(label: string, figure: Figure): string[] {
  const change = changeOf(figure);
  const pages = [
    ...new Set([figure.pages.current, figure.pages.prior, figure.pages.growthPercent].filter((page) => page !== null)),
  ];
  return [
    label,
    figure.current === null ? notStated : number(figure.current),
    figure.prior === null ? notStated : number(figure.prior),
    change === null ? notStated : `${signed(change.percent)}${change.computed ? ' *' : ''}`,
    pages.sort((a, b) => a - b).join(', '),
  ];
}

function metricRow(facts: Facts, { name, value, unit, growthPercent, page }: Facts['metrics'][number]): string[] {
  // The table's note names the statements' unit; only others stand beside their number.
  const isUsual = unit !== null && [facts.unit, `${facts.currency ?? ''} ${facts.unit ?? ''}`].includes(unit);
  const amount = value === null ? notStated : [number(value), isUsual ? '' : unit].filter((part) => part).join(' ');
  const change = growthPercent === null ? '' : signed(growthPercent);
  return [cut(name, 200), cut(amount, 200), '', change, page === null ? '' : String(page)];
}

/** A title that only repeats how the text begins is left out. */
function riskBullet({ title, text, page }: Draft['risks'][number]): {
  lead?: string;
  text: string;
  page: number | null;
} {
  const lead = cut(title.trim(), 250).replace(/[.:]$/, '');
  if (lead === '' || text.startsWith(lead)) return { text, page };
  return { lead: `${lead}.`, text, page };
}

function chartOf(facts: Facts, lines: readonly [string, Figure][]): Pick<Report['sections'][number], 'chart'> {
  const groups = lines
    .filter(([, figure]) => figure.current !== null)
    .map(([label, figure]) => ({ label, values: [figure.prior, figure.current] }));
  if (groups.length === 0) return {};
  const withPrior = groups.some(({ values }) => values[0] !== null);
  return {
    chart: {
      title: withPrior ? 'This quarter and a year before' : 'This quarter',
      ...(unitOf(facts) && { unit: unitOf(facts) }),
      series: withPrior ? ['A year before', 'This quarter'] : ['This quarter'],
      groups: withPrior ? groups : groups.map(({ label, values }) => ({ label, values: values.slice(1) })),
    },
  };
}

/** As stated; else computed, which means nothing across a change of sign. */
function changeOf({ current, prior, growthPercent }: Figure): { percent: number; computed: boolean } | null {
  if (growthPercent !== null) return { percent: growthPercent, computed: false };
  if (current === null || prior === null || prior <= 0 || current < 0) return null;
  return { percent: ((current - prior) / prior) * 100, computed: true };
}

function unitOf(facts: Facts): string {
  const unit = facts.unit === null || facts.unit === 'one' ? '' : facts.unit;
  return [facts.currency === null ? '' : (currencySigns[facts.currency] ?? facts.currency), unit]
    .filter((part) => part)
    .join(' ');
}

function money(facts: Facts, value: number): string {
  const sign = facts.currency === null ? '' : (currencySigns[facts.currency] ?? `${facts.currency} `);
  const unit = facts.unit === null || facts.unit === 'one' ? '' : ` ${facts.unit}`;
  return `${value < 0 ? '−' : ''}${sign}${number(Math.abs(value))}${unit}`;
}

/** Grouped in thousands by hand: what `Intl` does depends on the worker's build. */
function number(value: number): string {
  const [whole = '', fraction] = String(Math.round(Math.abs(value) * 100) / 100).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0 ? '−' : ''}${grouped}${fraction ? `.${fraction}` : ''}`;
}

function signed(percent: number): string {
  return `${percent > 0 ? '+' : ''}${number(Math.round(percent * 10) / 10)}%`;
}

function subtitleOf(subtitle: string | null): { subtitle?: string } {
  return subtitle ? { subtitle: cut(subtitle, 300) } : {};
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
