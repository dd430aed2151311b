import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../core/defineTool.js';
import { redact } from '../../core/redact.js';
import { toJsonSchema } from '../../core/schema.js';

const secret = z.string().meta({ secret: true });
const shown = (schema: z.ZodType, value: unknown): unknown => redact(value, toJsonSchema(schema, 'input'));

describe('secrets in an input', () => {
  it.each([
    [
      'a field',
      z.object({ card: secret, order: z.string() }),
      { card: '4111', order: 'a' },
      { card: '[secret]', order: 'a' },
    ],
    ['one that may be missing', z.object({ card: secret.optional() }), { card: '4111' }, { card: '[secret]' }],
    [
      'items',
      z.array(z.object({ pin: secret })),
      [{ pin: '1' }, { pin: '2' }],
      [{ pin: '[secret]' }, { pin: '[secret]' }],
    ],
    ['values of a record', z.record(z.string(), secret), { a: '1' }, { a: '[secret]' }],
    [
      'one of several shapes',
      z.union([z.object({ n: z.number() }), z.object({ key: secret })]),
      { key: 'k' },
      { key: '[secret]' },
    ],
    ['nothing', z.object({ order: z.string() }), { order: 'a' }, { order: 'a' }],
  ])('are not shown: %s', (_, schema, value, expected) => {
    expect(shown(schema, value)).toEqual(expected);
  });

  it('keep a tool from being undone, as do promises to change nothing', () => {
    const tool = { description: 'x', output: z.object({}), execute: () => ({}) };
    const compensate = (): void => undefined;
    expect(() => defineTool({ ...tool, input: z.object({ card: secret }), compensate })).toThrow('secret fields');
    expect(() => defineTool({ ...tool, input: z.object({}), readOnly: true, compensate })).toThrow('readOnly');
    expect(() => defineTool({ ...tool, input: z.object({}), idempotent: true, onUnknown: 'ask' })).toThrow('onUnknown');
  });
});
