import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';
import { SegnoError } from '../../../../core/errors.js';

const noted: string[] = [];

/** What `note` was called with by runs of a case, in order. */
export function notesOf(name: string): string[] {
  return noted.filter((text) => text.startsWith(`${name} `)).map((text) => text.slice(name.length + 1));
}

/** A pure step: what it does shows that it ran. */
export const note = defineTool({
  description: 'Notes a text and gives it back.',
  input: z.object({ case: z.string(), text: z.string() }),
  output: z.string(),
  duration: 'quick',
  readOnly: true,
  execute: ({ case: name, text }) => {
    noted.push(`${name} ${text}`);
    return text;
  },
});

/** Takes as long as it is told, and so decides which of several ends first. */
export const nap = defineTool({
  description: 'Waits.',
  input: z.object({ ms: z.number().max(400) }),
  output: z.null(),
  duration: 'quick',
  readOnly: true,
  execute: async ({ ms }) => {
    await delay(ms);
    return null;
  },
});

/** An effect: it is not repeated. */
export const record = defineTool({
  description: 'Records a text, an effect.',
  input: z.object({ case: z.string(), text: z.string(), failing: z.boolean().default(false) }),
  output: z.string(),
  idempotent: true,
  execute: ({ case: name, text, failing }) => {
    noted.push(`${name} ${text}`);
    if (failing) throw new Error(`${text} does not work`);
    return text;
  },
});

/** Fails at once and for good. */
export const refuse = defineTool({
  description: 'Refuses.',
  input: z.object({}),
  output: z.null(),
  execute: () => {
    throw new SegnoError('Tool.Failed', 'no', { retryable: false });
  },
});
