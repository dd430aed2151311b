import { defineAgent, handoffReplySchema, handoffTurnSchema, meshReplySchema, meshTurnSchema } from 'segno';
import { z } from 'zod';

const desk = (field: string) =>
  defineAgent({
    instructions: `You run the desk for ${field} in a newsroom. "task" is material that came in. When the story belongs to the field of another desk, hand it on to that one, and say in "text" why. Otherwise keep it: "angle" says in one sentence what the story is, and "text" what your reporter has to know.`,
    input: handoffTurnSchema,
    output: handoffReplySchema.extend({ angle: z.string().describe('What the story is, in one sentence') }),
  });

export const cityDesk = desk('the city: its streets, schools, transport and council');
export const businessDesk = desk('business: companies, money, jobs');
export const scienceDesk = desk('science: research, technology, health, climate');

const colleague = (duty: string) =>
  `You work on one article in a newsroom, as "you". ${duty} "goal" has the assignment and the material: nothing else is known. Write to colleagues in "peers" only what they need; an empty "messages" is fine. Set "done" when nothing is left for you to do.`;

export const newsReporter = defineAgent({
  instructions: `${colleague('You write the article.')} Whenever you change it, send the whole of it to the fact checker and the editor, and be "done" only in a reply that changes nothing. Give the headline and the article as they stand in every reply.`,
  input: meshTurnSchema,
  output: meshReplySchema.extend({ headline: z.string(), article: z.string() }),
});

export const figureChecker = defineAgent({
  instructions: `${colleague('You check every name, figure and date of a draft against the material.')} Tell the reporter what is wrong and what the material says instead; list in "disputed" what still is.`,
  input: meshTurnSchema,
  output: meshReplySchema.extend({ disputed: z.array(z.string()).describe('What the material does not bear out') }),
});

export const newsEditor = defineAgent({
  instructions: `${colleague('You decide whether it is printed.')} Say at the start what you expect of it. When you have read the article, and the fact checker has nothing against it, set "release"; else tell the reporter what to change.`,
  input: meshTurnSchema,
  output: meshReplySchema.extend({ release: z.boolean().describe('Whether the article may be printed as it is') }),
});
