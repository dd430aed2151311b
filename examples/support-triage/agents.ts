import { defineAgent } from 'segno';
import { z } from 'zod';

const ticket = z.object({
  subject: z.string(),
  text: z.string(),
  plan: z.enum(['free', 'team', 'enterprise']),
  /** What the customer chose in the form. */
  priority: z.enum(['low', 'normal', 'high']),
});
const reply = z.object({
  reply: z.string().describe('The answer to the customer: what happened, what to do now, what happens next'),
});

export type Ticket = z.output<typeof ticket>;
export type Reply = z.output<typeof reply>;

/** Where a ticket goes that no rule knows. */
export const classifier = defineAgent({
  instructions: `You sort support tickets. "urgent": something is down, data is lost, or money is charged wrongly, now. "analysis": the customer reports figures or behaviour that somebody has to look into. "general": questions, wishes, thanks. The confidence says how sure you are, from 0 to 1; below 0.6 a person will look.`,
  input: z.object({ ticket }),
  output: z.object({ label: z.enum(['urgent', 'analysis', 'general']), confidence: z.number().min(0).max(1) }),
});

export const supportAgent = defineAgent({
  instructions: `You answer a support ticket in a friendly, plain way, in at most 120 words. Promise nothing: no refund, no date, no feature. "feedback" is what a reviewer wants changed in your last answer.`,
  input: z.object({ ticket, feedback: z.array(z.string()) }),
  output: reply,
});

export const reviewer = defineAgent({
  instructions: `You review an answer to a support ticket before it is sent. It is acceptable if it addresses what the customer wrote, says what to do or what happens next, and promises neither money nor dates. Otherwise say in one line each what to change.`,
  input: z.object({ ticket, draft: reply }),
  output: z.object({ acceptable: z.boolean(), feedback: z.array(z.string()) }),
});

/** The tier above: sees what was tried, and why it was not enough. */
export const seniorAgent = defineAgent({
  instructions: `You are the senior of a support team. Somebody before you did not find an answer a reviewer accepts: you see the last draft and the reviewer's words. Write the answer.`,
  input: z.object({ ticket, draft: reply.nullable(), feedback: z.array(z.string()) }),
  output: reply,
});

export const caseAnalyst = defineAgent({
  instructions: `You prepare a support ticket for the engineers: what is observed, since when, what was expected, and what to look at first. Only from the ticket; what it does not say is an open question.`,
  input: z.object({ ticket }),
  output: z.object({
    observed: z.string().describe('What the customer observes, with its figures'),
    questions: z.array(z.string()).max(5).describe('What has to be asked or looked up'),
  }),
});
