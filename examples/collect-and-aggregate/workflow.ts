import type { DocumentRef } from 'segno';
import { fail, parallel, proxyAgents, proxyTools, sequential } from 'segno/workflow';
import { countCategories, type Feedback, type Filed, renderFeedback } from './feedbackReport.js';
import { type Message, messagesOf } from './messages.js';

const { sentimentAnalyst, summarizer, categorizer } = proxyAgents<typeof import('./agents.js')>({ timeout: '5m' });
const { readDocument, saveReport, sendMail } = proxyTools<typeof import('./tools.js')>();

const channelNames = ['survey', 'reviews', 'mail'] as const;
/** One agent call each; a longer list wants `mapReduce`. */
const maxMessages = 200;

/** The export of each channel: CSV, Markdown or text. At least one. */
export interface CollectAndAggregateInput extends Partial<Record<(typeof channelNames)[number], DocumentRef>> {
  /** Who gets a note when there is no report. */
  notify?: string;
}

export interface FeedbackReport extends Feedback {
  /** The report, Markdown. */
  document: DocumentRef;
}

/** Collect feedback from several channels, look at it in three ways at once, and put one report together. */
export async function collectAndAggregate(input: CollectAndAggregateInput): Promise<FeedbackReport> {
  const { notify = 'feedback@roastery.example', ...channels } = input;
  /** Set by `onSuccess`: when that fails, so does the run. */
  let document!: DocumentRef;
  const feedback = await sequential<Channels>()
    .step('collect', collect)
    .step('study', study)
    .step('aggregate', (studies, { outputs }) => aggregate(outputs.collect, studies))
    .run(channels, {
      timeout: '30m',
      onSuccess: async (report) => {
        ({ document } = await saveReport({ fileName: 'feedback.md', markdown: renderFeedback(report) }));
      },
      onError: ({ type, message, step }) =>
        sendMail({
          to: notify,
          subject: 'No feedback report this time',
          text: `${type}: ${message}\n${step === undefined ? '' : `at step ${step}\n`}`,
        }),
    });
  return { ...feedback, document };
}

type Channels = Omit<CollectAndAggregateInput, 'notify'>;
type Collected = Pick<Feedback, 'collectedAt' | 'channels' | 'gaps'> & { messages: Message[] };

/** A channel that cannot be read is a gap in the report, not the end of it; without any there is no report. */
async function collect(channels: Channels): Promise<Collected> {
  const given = channelNames.flatMap((name) => (channels[name] ? [[name, channels[name]] as const] : []));
  if (given.length === 0) throw fail('Run.InvalidInput', `give at least one of ${channelNames.join(', ')}`);
  const read = await parallel(
    given.map(
      ([name, document]) =>
        async () =>
          messagesOf(name, document, (await readDocument({ document })).text),
    ),
    { onFailure: 'continue', minimum: 1 },
  );
  const messages = read.flatMap((result) => (result.status === 'completed' ? result.output : []));
  if (messages.length === 0) throw fail('Run.InvalidInput', 'there is no message in any channel');
  if (messages.length > maxMessages) throw fail('Run.InvalidInput', `over ${maxMessages} messages: ${messages.length}`);
  const outcomes = given.map(([name], index) => ({ name, result: read[index]! }));
  return {
    collectedAt: new Date().toISOString(),
    messages,
    channels: Object.fromEntries(
      outcomes.map(({ name, result }) => [name, result.status === 'completed' ? result.output.length : null]),
    ),
    gaps: outcomes.flatMap(({ name, result }) =>
      result.status === 'completed' ? [] : [`${name} could not be read: ${result.error.message}`],
    ),
  };
}

type Studies = Awaited<ReturnType<typeof study>>;

/** An agent that fails leaves a gap; one study is enough for a report. */
function study({ messages }: Collected) {
  return parallel(
    {
      sentiment: () => sentimentAnalyst({ messages }),
      summary: () => summarizer({ messages }),
      categories: () =>
        parallel(
          messages.map((message) => async (): Promise<Filed> => ({ ...message, ...(await categorizer(message)) })),
          { onFailure: 'continue', minimum: 1, concurrency: 10 },
        ),
    },
    { onFailure: 'continue', minimum: 1, branchTimeout: '10m' },
  );
}

/** The workflow's clock is part of its history: on a replay, `new Date()` is the same again. */
async function aggregate(collected: Collected, { sentiment, summary, categories }: Studies): Promise<Feedback> {
  const filings = categories.status === 'completed' ? categories.output : [];
  const filed = filings.flatMap((result) => (result.status === 'completed' ? [result.output] : []));
  const unfiled = collected.messages.length - filed.length;
  const failed = Object.entries({ sentiment, summary }).flatMap(([name, result]) =>
    result.status === 'completed' ? [] : [`${name}: ${result.error.type}: ${result.error.message}`],
  );
  return {
    ...collected,
    aggregatedAt: new Date().toISOString(),
    messages: collected.messages.length,
    categories: countCategories(filed),
    urgent: filed.filter(({ urgent }) => urgent).map(({ channel, text }) => ({ channel, text })),
    sentiment: sentiment.status === 'completed' ? sentiment.output : null,
    summary: summary.status === 'completed' ? summary.output.summary : null,
    gaps: [...collected.gaps, ...failed, ...(unfiled === 0 ? [] : [`${unfiled} messages are in no category`])],
  };
}
