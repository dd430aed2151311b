import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';
import { SegnoError } from '../../../../core/errors.js';

const called: string[] = [];

/** What tools were called with by runs of a case, in order. */
export function callsOf(name: string): string[] {
  return called.filter((text) => text.startsWith(`${name} `)).map((text) => text.slice(name.length + 1));
}

export const upper = defineTool({
  description: 'Gives a text in capitals.',
  input: z.object({ case: z.string(), text: z.string() }),
  output: z.object({ text: z.string(), length: z.number().int() }),
  duration: 'quick',
  readOnly: true,
  execute: ({ case: name, text }) => {
    called.push(`${name} upper ${text}`);
    return { text: text.toUpperCase(), length: text.length };
  },
});

export const broken = defineTool({
  description: 'Never works.',
  input: z.object({ case: z.string() }),
  output: z.object({ text: z.string() }),
  readOnly: true,
  execute: ({ case: name }) => {
    called.push(`${name} broken`);
    throw new SegnoError('Tool.Failed', 'it is broken', { retryable: false });
  },
});

export const double = defineTool({
  description: 'Doubles a number, but for 13.',
  input: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  duration: 'quick',
  readOnly: true,
  execute: ({ n }) => {
    if (n === 13) throw new SegnoError('Tool.Failed', 'thirteen is refused', { retryable: false });
    return { n: 2 * n };
  },
});
