import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { resolveConfig } from '../../core/config.js';
import { defineAgent } from '../../core/defineAgent.js';
import { defineTool } from '../../core/defineTool.js';
import { type SegnoError } from '../../core/errors.js';
import { describeIssues, toJsonSchema } from '../../core/schema.js';

const fine = z.string();
const execute = (): string => '';
const node: z.ZodType = z.lazy(() => z.object({ children: z.array(node) }));

describe('a schema that would not survive JSON is refused:', () => {
  it.each<[what: string, schema: z.ZodType]>([
    ['a date', z.date()],
    ['a date deep inside', z.object({ list: z.array(z.object({ at: z.date() })) })],
    ['a map', z.map(z.string(), z.string())],
    ['a set', z.set(z.string())],
    ['a bigint', z.bigint()],
    ['a symbol', z.symbol()],
    ['undefined', z.undefined()],
    ['a transform', z.string().transform((text) => text.length)],
  ])('%s', (_, schema) => {
    const refused = /does not survive JSON/;
    expect(() => defineAgent({ instructions: 'x', input: schema, output: fine })).toThrow(refused);
    expect(() => defineAgent({ instructions: 'x', input: fine, output: schema })).toThrow(refused);
    expect(() => defineAgent({ instructions: 'x', input: fine, output: fine, deps: schema })).toThrow(refused);
    expect(() => defineTool({ description: 'x', input: schema, output: fine, execute })).toThrow(refused);
    expect(() => defineTool({ description: 'x', input: fine, output: schema, execute })).toThrow(refused);
  });

  it('and the message says where, and what to use instead', () => {
    const define = () => defineTool({ description: 'x', input: z.object({ at: z.date() }), output: fine, execute });
    expect(define).toThrow(/The tool’s input schema.*ISO strings for dates/);
  });
});

describe('a schema that survives JSON is taken:', () => {
  it.each<[what: string, schema: z.ZodType]>([
    ['defaults and optional fields', z.object({ a: z.string().default('x'), b: z.number().optional() })],
    ['unions', z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })])],
    ['records and tuples', z.object({ r: z.record(z.string(), z.number()), t: z.tuple([z.string(), z.number()]) })],
    ['ISO dates', z.iso.datetime()],
    ['recursion', node],
    ['nullable values', z.object({ a: z.string().nullable() })],
    ['anything', z.unknown()],
  ])('%s', (_, schema) => {
    expect(defineAgent({ instructions: 'x', input: schema, output: schema }).kind).toBe('agent');
  });

  it('fields with defaults may be left out by the caller, and are there in the result', () => {
    const schema = z.object({ a: z.string().default('x') });
    expect(toJsonSchema(schema, 'input')['required']).toBeUndefined();
    expect(toJsonSchema(schema)['required']).toEqual(['a']);
  });
});

describe('limits out of range are refused:', () => {
  it.each([{ maxTurns: 0 }, { maxTurns: 1.5 }, { maxRepairs: -1 }, { maxOutputTokens: 0 }])('agent %j', (limits) => {
    expect(() => defineAgent({ instructions: 'x', input: fine, output: fine, ...limits })).toThrow(/must be/);
  });

  it.each([
    [{ timeoutMs: 0 }, /positive/],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, /positive/],
    [{ timeoutMs: 501, duration: 'quick' as const }, /at most 500 ms/],
    [{ readOnly: true, idempotent: false }, /idempotent/],
  ])('tool %j', (limits, message) => {
    expect(() => defineTool({ description: 'x', input: fine, output: fine, execute, ...limits })).toThrow(message);
  });
});

describe('a fault in the config is told with its path:', () => {
  const workflows = 'workflow.ts';
  const agent = (more: object = {}) => defineAgent({ instructions: 'x', input: fine, output: fine, ...more });
  const providers = { p: { baseURL: 'http://localhost/v1' } };
  const model = { provider: 'p', model: 'm' };

  it.each<[what: string, config: unknown, message: RegExp]>([
    ['no workflows', {}, /workflows/],
    ['a key nobody knows', { workflows, agent: {} }, /agent/],
    ['an alias of an unknown provider', { workflows, models: { a: model } }, /models\.a\.provider: .*named p.*none/],
    [
      'an agent of an unknown alias',
      { workflows, agents: { w: agent({ model: 'x' }) }, models: { a: model }, providers },
      /agents\.w\.model: .*x.*there are: a/,
    ],
    [
      'an agent without an alias, and no default',
      { workflows, agents: { w: agent() }, models: { a: model }, providers },
      /agents\.w\.model: .*default/,
    ],
    ['an unknown tool', { workflows, agents: { w: agent({ tools: ['t'] }) } }, /agents\.w\.tools: .*t.*none/],
    [
      'a negative price',
      { workflows, models: { a: { ...model, price: { input: -1, output: 1 } } }, providers },
      /models\.a\.price\.input/,
    ],
    [
      'a price of seven decimals',
      { workflows, models: { a: { ...model, price: { input: 1, output: 0.0000001 } } }, providers },
      /models\.a\.price\.output: at most 6 decimals/,
    ],
    [
      'a time limit that no call gets',
      { workflows, models: { a: { ...model, timeoutMs: 900_001 } }, providers },
      /models\.a\.timeoutMs: .*900000/,
    ],
    ['an address that is none', { workflows, providers: { p: { baseURL: 'localhost' } } }, /providers\.p\.baseURL/],
    [
      'a key in place of its variable',
      { workflows, providers: { p: { apiKeyEnv: 'sk-123' } } },
      /providers\.p\.apiKeyEnv: the name of an environment variable/,
    ],
  ])('%s', (_, config, message) => {
    const resolve = () => resolveConfig(config);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(expect.objectContaining({ type: 'Config.Invalid' }) as SegnoError);
  });

  it('every one of them at once', () => {
    const config = { workflows, agents: { a: agent({ tools: ['x'] }), b: agent({ tools: ['y'] }) } };
    expect(() => resolveConfig(config)).toThrow(/agents\.a\.tools[\s\S]*agents\.b\.tools/);
  });

  it('two agents of one name in two modules', () => {
    expect(() => resolveConfig({ workflows, agents: [{ w: agent() }, { w: agent() }] })).toThrow(/two modules.*w/);
    const shared = agent();
    expect(resolveConfig({ workflows, agents: [{ w: shared }, { w: shared }] }).agents.size).toBe(1);
  });

  it('names of the prototype are no aliases', () => {
    const config = { workflows, agents: { w: agent({ model: 'constructor' }) }, models: { default: model }, providers };
    expect(() => resolveConfig(config)).toThrow(/agents\.w\.model/);
  });
});

describe('issues are told one a line, each with its path,', () => {
  it('the root by name, and at most twenty', () => {
    const schema = z.array(z.number());
    const list = schema.safeParse(Array(50).fill('x'));
    expect(describeIssues(list.error!).split('\n')).toHaveLength(20);
    expect(describeIssues(list.error!)).toMatch(/^0: /);
    expect(describeIssues(schema.safeParse(1).error!)).toMatch(/^\(root\): /);
  });
});
