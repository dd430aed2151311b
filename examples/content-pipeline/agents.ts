import { defineAgent } from 'segno';
import { z } from 'zod';

const contentId = z.string().describe('Id of the content in the content store');

export const analyzer = defineAgent({
  instructions: `You are the editor of a gardening magazine. Read the article with getContentText, then analyze it.

The readability score is the Flesch reading ease: 100 is very easy, 0 very hard. Suggestions are concrete: which sentence to split, which word to explain, which heading is missing.`,
  input: z.object({ contentId }),
  output: z.object({
    sentiment: z.enum(['positive', 'neutral', 'negative']).describe('The tone of the article'),
    keywords: z.array(z.string()).max(8).describe('Keywords a reader would search for'),
    readabilityScore: z.number().min(0).max(100).describe('Flesch reading ease, from 0 to 100'),
    suggestions: z.array(z.string()).max(6).describe('Suggestions for a better text'),
  }),
  tools: ['getContentText'],
});

export const enhancer = defineAgent({
  instructions: `You improve an article of a gardening magazine. Read it with getContentText, then write it again: follow the suggestions, use the keywords where they fit, keep the facts and the author's voice. Markdown, with the title as its first heading.`,
  input: z.object({ contentId, keywords: z.array(z.string()), suggestions: z.array(z.string()) }),
  output: z.object({
    enhancedText: z.string().min(1).describe('The whole article, improved'),
    improvements: z.array(z.string()).max(10).describe('The improvements made, one line each'),
    seoOptimized: z.boolean().describe('Whether title, headings and keywords are ready for search engines'),
  }),
  tools: ['getContentText'],
});

export const publisher = defineAgent({
  instructions: `You announce an article of a gardening magazine on social networks: at most three posts of at most 280 characters each, each with another thought of the article. No address; it is added when the article is published.`,
  input: z.object({ text: z.string(), keywords: z.array(z.string()) }),
  output: z.object({
    socialPosts: z.array(z.string().max(280)).min(1).max(3).describe('Posts that announce the article'),
  }),
});

export type Analysis = z.infer<(typeof analyzer)['output']>;
export type Enhancement = z.infer<(typeof enhancer)['output']>;
