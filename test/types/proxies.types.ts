/**
 * What the compiler must refuse and must know of agents and tools. `npm run verify` type-checks this file, which no test runs:
 * an `@ts-expect-error` with nothing to expect is itself an error.
 */
import { z } from 'zod';
import { defineAgent, defineConfig, defineTool } from '../../core/index.js';
import { parallel, proxyAgents, proxyTools, refine } from '../../workflows/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Equal<A, B>): void {}
/** Whether a value has exactly the type `Expected`. */
const exactly =
  <Expected>() =>
  <Actual>(_value: Actual, _same: Equal<Actual, Expected>): void => {};

const module = {
  analyst: defineAgent({
    instructions: ({ deps }) => `You act for ${deps.user}.`,
    input: z.object({ facts: z.array(z.string()), depth: z.number().default(1) }),
    output: z.object({ risks: z.array(z.object({ name: z.string(), page: z.number().nullable() })) }),
    deps: z.object({ user: z.string() }),
    tools: ['search'],
  }),
  search: defineTool({
    description: 'Searches.',
    input: z.object({ query: z.string(), limit: z.number().optional() }),
    output: z.array(z.string()),
    execute: ({ query, limit = 1 }) => [query.repeat(limit)],
  }),
  version: 3,
  format: (text: string) => text,
};

const agents = proxyAgents<typeof module>({ timeout: '2m', model: 'small', maxTurns: 3, maxAttempts: 2 });
const tools = proxyTools<typeof module>({ timeout: 5_000, maxAttempts: 2 });

export async function inputsOfAgents(): Promise<void> {
  await agents.analyst({ facts: ['one'] });
  await agents.analyst({ facts: ['one'], depth: 2 }, { timeout: '1 minute', maxOutputTokens: 100 });
  // @ts-expect-error a field of another type
  await agents.analyst({ facts: 'one' });
  // @ts-expect-error a field is missing
  await agents.analyst({});
  // @ts-expect-error a field nobody knows
  await agents.analyst({ facts: [], fact: [] });
  // @ts-expect-error no input at all
  await agents.analyst();
  // @ts-expect-error an option nobody knows
  await agents.analyst({ facts: [] }, { timeoutMs: 5 });
  // @ts-expect-error a duration nobody understands
  await agents.analyst({ facts: [] }, { timeout: 'soon' });
}

export async function outputsAreTyped(): Promise<void> {
  const analysis = await agents.analyst({ facts: [] });
  exactly<{ risks: { name: string; page: number | null }[] }>()(analysis, true);
  // @ts-expect-error the output has no such field
  void analysis.risk;
  const found = await tools.search({ query: 'x' });
  exactly<string[]>()(found, true);
}

export async function inputsOfTools(): Promise<void> {
  await tools.search({ query: 'x', limit: 3 }, { timeout: '5s' });
  // @ts-expect-error a field of another type
  await tools.search({ query: 7 });
  // @ts-expect-error a tool has no model
  await tools.search({ query: 'x' }, { model: 'small' });
}

export function otherExportsAreLeftOut(): void {
  same<keyof typeof agents, 'analyst'>(true);
  same<keyof typeof tools, 'search'>(true);
  // @ts-expect-error a tool is no agent
  void agents.search;
  // @ts-expect-error a function is no agent
  void agents.format;
  // @ts-expect-error an agent is no tool
  void tools.analyst;
  // @ts-expect-error a number is no tool
  void tools.version;
}

export async function patternsKeepTypes(): Promise<void> {
  const both = await parallel({ a: () => agents.analyst({ facts: [] }), b: () => Promise.resolve(1) });
  exactly<number>()(both.b, true);
  exactly<{ name: string; page: number | null }[]>()(both.a.risks, true);
  const { draft } = await refine({
    write: (feedback) => {
      exactly<string[] | undefined>()(feedback, true);
      return Promise.resolve({ text: 'draft' });
    },
    review: (written) => Promise.resolve({ acceptable: written.text !== '', feedback: [] }),
  });
  exactly<{ text: string }>()(draft, true);
}

export function definitions(): void {
  defineTool({
    description: 'Counts.',
    input: z.object({ text: z.string() }),
    output: z.number(),
    deps: z.object({ user: z.string() }),
    execute: ({ text }, { deps, idempotencyKey, signal }) => {
      exactly<{ user: string }>()(deps, true);
      exactly<string>()(idempotencyKey, true);
      exactly<AbortSignal>()(signal, true);
      return text.length;
    },
  });
  defineTool({
    description: 'Counts.',
    input: z.string(),
    output: z.number(),
    // @ts-expect-error the result is no number
    execute: (text) => text,
  });
  // @ts-expect-error a tool without a description
  defineTool({ input: z.string(), output: z.string(), execute: (text) => text });
  // @ts-expect-error a duration of neither kind
  defineTool({ description: 'x', duration: 'fast', input: z.string(), output: z.string(), execute: (text) => text });
  // @ts-expect-error an agent without an output
  defineAgent({ instructions: 'x', input: z.string() });
  defineAgent({
    // @ts-expect-error the input has no such field
    instructions: ({ input }) => input.nothing,
    input: z.object({ text: z.string() }),
    output: z.string(),
  });
  defineConfig({ agents: module, tools: [module], workflows: './workflow.ts' });
  // @ts-expect-error a config without workflows
  defineConfig({ agents: module });
  // @ts-expect-error an API key does not stand in a config
  defineConfig({ workflows: 'w.ts', providers: { openai: { apiKey: 'sk-1' } } });
}
