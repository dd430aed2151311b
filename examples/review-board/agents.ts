import { debateReplySchema, debateTurnSchema, defineAgent } from 'segno';
import { z } from 'zod';

/** What the board measures offers by; null where an offer does not say. */
const figures = z.object({
  price: z.number().nullable().describe('Price in USD, once'),
  weeks: z.number().nullable().describe('Weeks until it is in use'),
  savings: z.number().nullable().describe('Savings in USD, per year'),
  uptime: z.number().nullable().describe('Uptime promised, in percent'),
});

export type Figures = z.output<typeof figures>;

export const offerReader = defineAgent({
  instructions: `You read a supplier's offer and write down its figures: price, weeks, savings and uptime. Only what the offer says; what it does not say is null.`,
  input: z.object({ name: z.string(), offer: z.string() }),
  output: figures,
});

const question = z.object({
  name: z.string(),
  offer: z.string(),
  /** Why it leads, in one line. */
  ranking: z.string(),
  /** What was said for and against it. */
  said: z.array(z.object({ by: z.string(), round: z.number(), text: z.string() })),
});

const side = (duty: string) =>
  defineAgent({
    instructions: `You argue before a board that buys software. "question" has the offer and why it leads. ${duty} Say in at most four sentences what the board must know, from the offer alone, and answer what the other side has said. Concede when nothing is left to say for "position".`,
    input: debateTurnSchema,
    output: debateReplySchema,
  });

export const advocate = side('You look for what the offer gives that the others do not.');
export const sceptic = side('You look for what is missing, unclear, or dearer than it seems.');

export const verdicts = ['accept', 'negotiate', 'reject'] as const;
const ballot = z.object({
  vote: z.enum(verdicts),
  confidence: z.number().min(0).max(1).describe('How sure you are, from 0, a guess, to 1'),
  reason: z.string().describe('Why, in one sentence of the offer'),
});

const member = (view: string) =>
  defineAgent({
    instructions: `You sit on a board that buys software, and look at offers with the eyes of ${view}. "offer" leads the board's ranking, for the reason in "ranking"; "said" has what an advocate and a sceptic made of it. Vote "accept" if it should be bought as it is, "negotiate" if something has to be changed first, "reject" if it should not be bought. Say how sure you are, from 0 to 1.`,
    input: question,
    output: ballot,
  });

export const finance = member('finance: price, savings, what may cost more than it seems');
export const operations = member(
  'operations: how soon it is in use, how much work that is, what happens when it fails',
);
export const security = member('security: who sees the data, where they lie, what is audited');
