import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answer } from '../../workers/offlineModel/answer/index.js';
import type { ChatMessage, ModelRequest, OfferedTool } from '../../workers/offlineModel/types.js';
import { techCorp } from './offlineModelAnswerFixtures.js';

function ask<T extends z.ZodType>(output: T, input: unknown, system: string): z.output<T> {
  const result = answer({
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: JSON.stringify(input) },
    ],
    tools: [],
    toolChoice: 'none',
    schema: z.toJSONSchema(output),
  });
  if (result.kind !== 'text') throw new Error('a text answer was expected');
  return output.parse(JSON.parse(result.text));
}

const facts = {
  company: 'TechCorp India',
  currency: 'INR',
  unit: 'crore',
  revenue: { current: 5_200, prior: null, growthPercent: 22, pages: { current: 1, prior: null, growthPercent: 1 } },
  netIncome: { current: 820, prior: 713, growthPercent: 15, pages: { current: 1, prior: 1, growthPercent: 1 } },
  operatingExpenses: { current: null, prior: null, growthPercent: null, pages: { current: null, prior: null, growthPercent: null } }, // prettier-ignore
};

describe('risks of a text', () => {
  const risks = z.object({
    risks: z.array(z.object({ title: z.string(), evidence: z.string(), severity: z.enum(['high', 'medium', 'low']), page: z.number().int().nullable() })).max(5), // prettier-ignore
  });

  it('are its sentences about risk, each with its page', () => {
    const found = ask(risks, { text: techCorp }, 'Name the risks, worst first.').risks;
    expect(found.map((risk) => risk.page)).toEqual([2, 2, 2]);
    expect(found.map((risk) => risk.evidence).join(' ')).toMatch(/supply chain[\s\S]*SaaS|SaaS[\s\S]*supply chain/i);
  });

  it('are none where the text has none', () => {
    expect(ask(risks, { text: 'We opened an office in Pune. The team is happy.' }, 'Name the risks.').risks).toEqual(
      [],
    );
  });
});

describe('writing from structured facts', () => {
  const draft = z.object({ headline: z.string(), summary: z.string(), performance: z.array(z.string()).min(1).max(6) });

  it('gives every main figure and no number that is not in the facts', () => {
    const written = ask(draft, { facts }, 'Write the summary for investors.');
    const text = JSON.stringify(written);
    expect(text).toContain('₹5,200 crore');
    expect(text).toContain('₹820 crore, up 15%, against ₹713 crore a year before');
    const known = new Set(['5,200', '22', '820', '15', '713']);
    expect((text.match(/\d[\d,.]*\d|\d/g) ?? []).filter((one) => !known.has(one))).toEqual([]);
    expect(text).not.toMatch(/operating expenses/i);
  });

  it('passes its own review', () => {
    const written = ask(draft, { facts }, 'Write the summary for investors.');
    const verdict = ask(
      z.object({ acceptable: z.boolean(), feedback: z.array(z.string()) }),
      { facts, draft: written },
      'Review.',
    );
    expect(verdict).toEqual({ acceptable: true, feedback: [] });
  });
});

describe('reviews', () => {
  const verdict = z.object({ approved: z.boolean(), comments: z.array(z.string()) });

  it('name the figures a draft lacks and those the facts have not', () => {
    const result = ask(
      verdict,
      { facts, draft: 'Revenue was ₹5,200 crore, up 22%. Cash was ₹99 crore at the end of the quarter.' },
      'Review the draft.',
    );
    expect(result.approved).toBe(false);
    expect(result.comments.join('\n')).toMatch(/Net income: state ₹820 crore/);
    expect(result.comments.join('\n')).toMatch(/₹99 crore/);
    expect(result.comments.join('\n')).not.toMatch(/Revenue: state/);
  });

  it('reject an empty draft', () => {
    expect(ask(verdict, { draft: '' }, 'Review the draft.').approved).toBe(false);
  });
});

describe('plans', () => {
  it('are one step an agent, each after the one before', () => {
    const plan = z.object({ steps: z.array(z.object({ id: z.string(), agent: z.enum(['researcher', 'writer', 'editor']), dependsOn: z.array(z.string()) })) }); // prettier-ignore
    expect(ask(plan, { goal: 'Publish an article on batteries' }, 'Plan the work as a DAG.').steps).toEqual([
      { id: 'step1', agent: 'researcher', dependsOn: [] },
      { id: 'step2', agent: 'writer', dependsOn: ['step1'] },
      { id: 'step3', agent: 'editor', dependsOn: ['step2'] },
    ]);
  });
});

describe('tools', () => {
  const search: OfferedTool = { name: 'searchFilings', description: 'Search filings for a query.', parameters: z.toJSONSchema(z.object({ query: z.string() })) }; // prettier-ignore
  const save: OfferedTool = { name: 'save_content', description: 'Save the content of an article.', parameters: z.toJSONSchema(z.object({ contentId: z.string().min(1), text: z.string() })) }; // prettier-ignore
  const start: ChatMessage[] = [
    { role: 'system', content: 'Use searchFilings to find risks, then answer.' },
    { role: 'user', content: JSON.stringify({ question: 'Which currency risks does TechCorp have?' }) },
  ];
  const run = (request: Partial<ModelRequest>) => answer({ messages: start, tools: [search, save], toolChoice: 'auto', ...request }); // prettier-ignore

  it('are called when the instructions name them, with arguments from the input', () => {
    expect(run({})).toEqual({
      kind: 'toolCalls',
      calls: [{ name: 'searchFilings', arguments: { query: 'Which currency risks does TechCorp have?' } }],
    });
  });

  it('are not called a second time; the answer uses their result', () => {
    const done: ChatMessage[] = [
      ...start,
      { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'searchFilings', arguments: { query: 'x' } }] },
      {
        role: 'tool',
        toolCallId: 'c1',
        content: JSON.stringify({ text: 'TechCorp lost 3% of dollar revenue to currency movements.' }),
      },
    ];
    const result = run({ messages: done });
    expect(result).toMatchObject({ kind: 'text' });
    expect(JSON.stringify(result)).toContain('3% of dollar revenue');
  });

  it('stay uncalled when nothing speaks of them, or with choice none', () => {
    const messages: ChatMessage[] = [{ role: 'user', content: 'Say hello.' }];
    expect(run({ messages }).kind).toBe('text');
    expect(run({ toolChoice: 'none' }).kind).toBe('text');
  });

  it('are called by name or as required whatever the text says', () => {
    const messages: ChatMessage[] = [{ role: 'user', content: 'Say hello.' }];
    expect(run({ messages, toolChoice: 'required' })).toMatchObject({
      kind: 'toolCalls',
      calls: [{ name: 'searchFilings' }],
    });
    expect(run({ messages, toolChoice: { name: 'save_content' } })).toMatchObject({
      kind: 'toolCalls',
      calls: [{ name: 'save_content' }],
    });
  });
});

describe('content pipelines', () => {
  it('analyse, enhance and report what a tool published', () => {
    const text =
      'our new app is great and fast .  Users love the simple design and the reliable sync. It works on all phones.';
    const analysis = ask(z.object({ sentiment: z.enum(['positive', 'negative', 'neutral']), keywords: z.array(z.string()).max(5), readabilityScore: z.number().min(0).max(100), suggestions: z.array(z.string()).min(1) }), { text }, 'Analyse the content.'); // prettier-ignore
    expect(analysis.sentiment).toBe('positive');
    expect(analysis.keywords.length).toBeGreaterThan(1);
    expect(analysis.readabilityScore).toBeGreaterThan(50);
    const enhanced = ask(z.object({ enhancedText: z.string(), improvements: z.array(z.string()), seoOptimized: z.boolean() }), { text }, 'Improve the content.'); // prettier-ignore
    expect(enhanced.enhancedText).toContain('Our new app is great and fast. Users love');
  });

  it('enhance the text and not the id or title it came under', () => {
    const text = 'dahlias are not hardy .  Lift them after the first frost.';
    const system = 'Improve the content.';
    const enhanced = ask(z.object({ enhancedText: z.string() }), { contentId: 'c-1', title: 'Dahlias', text }, system);
    expect(enhanced.enhancedText).toBe('Dahlias are not hardy. Lift them after the first frost.');
  });
});

describe('an input of a few words', () => {
  const ask = (schema: Record<string, unknown>, input: unknown): unknown => {
    const answered = answer({
      messages: [
        { role: 'system', content: 'Greet the person by name.' },
        { role: 'user', content: JSON.stringify(input) },
      ],
      tools: [],
      toolChoice: 'none',
      schema,
    });
    return answered.kind === 'text' ? JSON.parse(answered.text) : undefined;
  };
  const object = (properties: Record<string, unknown>) => ({
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  });

  it('is copied into fields of the same name and makes up a greeting', () => {
    const schema = object({ name: { type: 'string' }, greeting: { type: 'string' } });
    expect(ask(schema, { name: 'Ada' })).toEqual({ name: 'Ada', greeting: 'Hello, Ada!' });
  });

  it('fills no field that may be null', () => {
    const schema = object({ chairwoman: { anyOf: [{ type: 'string' }, { type: 'null' }] } });
    expect(ask(schema, { text: 'Revenue rose.' })).toEqual({ chairwoman: null });
  });
});
