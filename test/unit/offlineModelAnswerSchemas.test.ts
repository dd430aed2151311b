import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answer } from '../../workers/offlineModel/answer/index.js';
import type { JsonSchema } from '../../workers/offlineModel/types.js';

const ajv = new Ajv2020({ strict: false, formats: { email: /^[^@\s]+@[^@\s]+$/, uri: /^https?:/, date: /^\d{4}-\d\d-\d\d$/, 'date-time': /T.*Z$/, uuid: /^[0-9a-f-]{36}$/i } }); // prettier-ignore

function fill(schema: JsonSchema, user: string, system = 'Answer from the text.'): unknown {
  const result = answer({
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    tools: [],
    toolChoice: 'none',
    schema,
  });
  if (result.kind !== 'text') throw new Error('a text answer was expected');
  return JSON.parse(result.text);
}

function expectValid(schema: JsonSchema, value: unknown): void {
  const validate = ajv.compile(schema);
  expect(validate(value), `${JSON.stringify(value)} ${JSON.stringify(validate.errors)} ${JSON.stringify(schema)}`).toBe(
    true,
  );
}

const story =
  'Our customer Mary Jones wrote on 2024-05-03 from mary@example.com about order AB-1234. The delivery was late and the box was damaged. She wants a refund of $45.90 by Friday. See https://example.com/orders/1234 for details. The team should call her and fix the packaging.';

const names = fc.constantFrom('title', 'summary', 'risks', 'page', 'score', 'urgent', 'revenue', 'items', 'id', 'x', 'email', 'createdAt', 'status', 'keywords', 'prior', 'current', 'growthPercent', 'name', 'acceptable', 'feedback', 'rows', 'columns'); // prettier-ignore
const leaf: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({ type: fc.constant('string'), minLength: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ type: fc.constant('string'), maxLength: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ type: fc.constant('string'), format: fc.constantFrom('email', 'uri', 'date', 'date-time', 'uuid') }),
  fc.record({ type: fc.constant('string'), pattern: fc.constantFrom('^[A-Z]{3}$', '^[0-9a-f]{8}$', '^\\d{4}-(0[1-9]|1[0-2])$', '^(foo|bar)+$') }), // prettier-ignore
  fc.record({ type: fc.constant('integer'), minimum: fc.integer({ min: -5, max: 5 }), maximum: fc.integer({ min: 6, max: 9 }) }), // prettier-ignore
  fc.record({ type: fc.constant('number'), exclusiveMinimum: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ type: fc.constant('number'), multipleOf: fc.constantFrom(5, 0.5, 7), minimum: fc.constant(1) }),
  fc.record({
    enum: fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ type: fc.constant(['string', 'null']) }),
  fc.record({ type: fc.constantFrom('boolean', 'null', 'string', 'number') }),
  fc.record({ const: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)) }),
);
const anySchema = fc.letrec<{ node: Record<string, unknown> }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.dictionary(names, tie('node'), { minKeys: 1, maxKeys: 5 }).chain((properties) =>
      fc.subarray(Object.keys(properties)).map((required) => ({
        type: 'object',
        properties,
        required,
        additionalProperties: false,
      })),
    ),
    fc.record({ type: fc.constant('array'), items: tie('node'), minItems: fc.integer({ min: 0, max: 3 }), maxItems: fc.integer({ min: 3, max: 5 }) }), // prettier-ignore
    fc.record({ anyOf: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
  ),
})).node;

describe('answers and schemas', () => {
  it('match whatever schema is asked for', () => {
    fc.assert(
      fc.property(
        anySchema,
        fc.constantFrom(story, JSON.stringify({ text: story }), '', '{"a":[1,2]}'),
        (schema, user) => {
          expectValid(schema, fill(schema, user));
        },
      ),
      { numRuns: 400, seed: 7 },
    );
  });

  it('follow references and end in recursive schemas', () => {
    const node: z.ZodType = z.lazy(() => z.object({ name: z.string(), children: z.array(node) }));
    const list = { $ref: '#/$defs/list', $defs: { list: { type: 'object', properties: { value: { type: 'string' }, next: { anyOf: [{ $ref: '#/$defs/list' }, { type: 'null' }] } }, required: ['value', 'next'] } } }; // prettier-ignore
    for (const schema of [z.toJSONSchema(node) as JsonSchema, list]) expectValid(schema, fill(schema, story));
  });

  it('choose the alternative of a discriminated union that the text speaks of', () => {
    const schema = z.toJSONSchema(
      z.object({
        action: z.discriminatedUnion('type', [
          z.object({ type: z.literal('invoice'), number: z.string() }),
          z.object({ type: z.literal('refund'), amount: z.number() }),
        ]),
      }),
    ) as JsonSchema;
    const value = fill(schema, story) as { action: { type: string } };
    expectValid(schema, value);
    expect(value.action.type).toBe('refund');
  });

  it('say null rather than invent, where the schema allows it', () => {
    const schema = z.toJSONSchema(
      z.object({
        ceo: z.string().nullable(),
        headcount: z.number().nullable(),
        website: z.url().nullable(),
        deadline: z.iso.date().nullable(),
      }),
    ) as JsonSchema;
    expect(fill(schema, 'The sky is blue today.')).toEqual({
      ceo: null,
      headcount: null,
      website: null,
      deadline: null,
    });
  });

  it('find labelled values, e-mail addresses, links and dates', () => {
    const schema = z.toJSONSchema(
      z.object({ orderNumber: z.string(), customer: z.string(), email: z.email(), url: z.url(), orderDate: z.iso.date(), total: z.number(), paid: z.boolean() }), // prettier-ignore
    ) as JsonSchema;
    const text =
      'Order number: AB-1234\nCustomer: Mary Jones\nTotal: $1,045.90\nPaid: yes\nOrder date: 2024-05-03\nMail mary@example.com, see https://example.com/o/1.';
    expect(fill(schema, text)).toEqual({
      orderNumber: 'AB-1234',
      customer: 'Mary Jones',
      email: 'mary@example.com',
      url: 'https://example.com/o/1',
      orderDate: '2024-05-03',
      total: 1045.9,
      paid: true,
    });
  });

  it('classify by cue words: sentiment, urgency, department', () => {
    const schema = z.toJSONSchema(
      z.object({
        sentiment: z.enum(['positive', 'neutral', 'negative']),
        route: z.enum(['urgent', 'analysis', 'general']),
        department: z.enum(['billing', 'technical', 'sales']),
      }),
    ) as JsonSchema;
    expect(fill(schema, 'URGENT: the production server is down, the API throws errors. This is unacceptable!')).toEqual({ sentiment: 'negative', route: 'urgent', department: 'technical' }); // prettier-ignore
    expect(fill(schema, 'Please analyse the sales trends of the last report. I love the new pricing, great work.')).toEqual({ sentiment: 'positive', route: 'analysis', department: 'sales' }); // prettier-ignore
    expect(fill(schema, 'What are your opening hours? My invoice arrived, thank you.')).toMatchObject({ route: 'general', department: 'billing' }); // prettier-ignore
  });

  it('give the same answer to the same request', () => {
    const schema = z.toJSONSchema(
      z.object({ summary: z.string(), keywords: z.array(z.string()).max(3) }),
    ) as JsonSchema;
    expect(fill(schema, story)).toEqual(fill(schema, story));
  });

  it.each([
    ['digits', '1'.repeat(300_000)],
    ['letters without a space', 'a'.repeat(300_000)],
    ['open parentheses', '('.repeat(300_000)],
    ['one-cell rows', 'Revenue\t1\t2\n'.repeat(20_000)],
    ['half addresses', 'a@'.repeat(150_000)],
    ['dates', 'March 3, '.repeat(30_000)],
    ['one figure again and again', 'revenue $5 million '.repeat(15_000)],
  ])('take time in proportion to hostile input: %s', (_name, text) => {
    const schema = z.toJSONSchema(z.object({ revenue: z.number().nullable(), risks: z.array(z.string()), summary: z.string(), email: z.string() })) as JsonSchema; // prettier-ignore
    const cpuMs = (input: string): number => {
      const before = process.cpuUsage();
      fill(schema, input);
      const used = process.cpuUsage(before);
      return (used.user + used.system) / 1_000;
    };
    expect(cpuMs(text)).toBeLessThan(5_000);
  });
});
