import { defineAgent } from 'segno';
import { z } from 'zod';

const messages = z.array(z.object({ channel: z.string(), text: z.string() }));

export const sentimentAnalyst = defineAgent({
  instructions: `You judge the mood of customer feedback on a coffee roaster.

Quote at most three messages on each side that speak for your judgement, in the customers' own words, shortened if long. A message that praises one thing and complains of another belongs where its weight is.`,
  input: z.object({ messages }),
  output: z.object({
    sentiment: z.enum(['positive', 'mixed', 'neutral', 'negative']).describe('The mood of all messages together'),
    sentimentScore: z.number().min(-1).max(1).describe('From -1, angry throughout, to 1, delighted throughout'),
    strengths: z.array(z.string()).max(3).describe('What customers like, quoted'),
    complaints: z.array(z.string()).max(3).describe('What customers are unhappy about, quoted'),
  }),
});

export const summarizer = defineAgent({
  instructions: `You summarize customer feedback for a coffee roaster's weekly meeting, in three to five plain sentences: what comes up most, what is new, what needs an answer. Say only what the messages say.`,
  input: z.object({ messages }),
  output: z.object({ summary: z.string().describe('The feedback in three to five sentences') }),
});

export const categories = ['delivery', 'packaging', 'product', 'billing', 'website', 'support', 'other'] as const;

export const categorizer = defineAgent({
  instructions: `You file one message of a coffee roaster's customer under what it is mainly about.

delivery: the parcel, its tracking, how long it took, whether it has arrived
packaging: the bag or the box, damaged or loose beans
product: the coffee, its roast, blend, decaf, espresso, taste and bitterness
billing: money charged, refunds, invoices, the price
website: the shop's pages, the checkout, an account
support: how our people helped and answered
other: anything else

Urgent is what the customer waits for us to do.`,
  input: z.object({ channel: z.string(), text: z.string() }),
  output: z.object({
    category: z.enum(categories).describe('What the message is mainly about'),
    urgent: z.boolean().describe('Whether the customer waits for us to do something'),
  }),
});

export type Category = (typeof categories)[number];
export type Sentiment = z.infer<(typeof sentimentAnalyst)['output']>;
