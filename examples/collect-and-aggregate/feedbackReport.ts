/** The report, by code: counts are counted, not guessed, and the same answers give the same text. */
import type { Category, Sentiment } from './agents.js';
import type { Message } from './messages.js';

export interface Filed extends Message {
  category: Category;
  urgent: boolean;
}

export interface Feedback {
  /** When the messages were collected and the report was put together, ISO 8601. */
  collectedAt: string;
  aggregatedAt: string;
  messages: number;
  /** By channel; null is a channel that could not be read. */
  channels: Record<string, number | null>;
  /** By category, the largest first. */
  categories: Partial<Record<Category, number>>;
  urgent: Message[];
  sentiment: Sentiment | null;
  summary: string | null;
  /** What could not be done, and why: the report says so. */
  gaps: string[];
}

export function countCategories(filed: readonly Filed[]): Feedback['categories'] {
  const counts = new Map<Category, number>();
  for (const { category } of filed) counts.set(category, (counts.get(category) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

/** The report as Markdown. */
export function renderFeedback(feedback: Feedback): string {
  const { sentiment, summary, urgent, gaps } = feedback;
  const channels = Object.entries(feedback.channels).map(([name, count]) => `${name}: ${count ?? 'not read'}`);
  const categories = Object.entries(feedback.categories).map(([name, count]) => `| ${name} | ${count} |`);
  return [
    '# Customer feedback',
    `${feedback.messages} messages (${channels.join(', ')}), collected ${feedback.collectedAt}.`,
    ...(summary === null ? [] : ['## Summary', summary]),
    ...(sentiment === null
      ? []
      : [
          `## Sentiment: ${sentiment.sentiment} (${sentiment.sentimentScore.toFixed(2)})`,
          ...quotes('What customers like', sentiment.strengths),
          ...quotes('What they are unhappy about', sentiment.complaints),
        ]),
    ...(categories.length === 0
      ? []
      : ['## What it is about', ['| category | messages |', '| --- | --- |', ...categories].join('\n')]),
    ...(urgent.length === 0
      ? []
      : ['## Waiting for us', list(urgent.map(({ channel, text }) => `${text} (${channel})`))]),
    ...(gaps.length === 0 ? [] : ['## Missing in this report', list(gaps)]),
    `_Put together ${feedback.aggregatedAt}._`,
  ].join('\n\n');
}

function quotes(heading: string, texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : [`### ${heading}`, list(texts.map((text) => `“${text}”`))];
}

function list(entries: readonly string[]): string {
  return entries.map((entry) => `- ${entry.replace(/\s+/g, ' ')}`).join('\n');
}
