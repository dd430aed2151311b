/**
 * Tools that write down what they do, one line an effect, so that a test can count. Each can be held before and after its
 * effect by a file in the folder of gates.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { defineTool } from 'segno';
import { z } from 'zod';

export { readDocument, renderReport, selectPages } from 'segno/tools';

const item = z.object({ item: z.string() });
const gatePollMs = 5;

const folder = (): string => process.env['SEGNO_CHAOS_DIR'] ?? '.';

function note(tool: string, phase: 'begun' | 'effect' | 'held', key: string): void {
  appendFileSync(join(folder(), 'effects.jsonl'), `${JSON.stringify({ tool, phase, key })}\n`);
}

async function gate(name: string): Promise<void> {
  while (existsSync(join(folder(), 'gates', name))) await delay(gatePollMs);
}

/** `held`: the effect took place, and nobody else knows of it yet. */
async function act(tool: string, key: string): Promise<void> {
  note(tool, 'begun', key);
  await gate(`${tool}.before`);
  note(tool, 'effect', key);
  const after = `${tool}.after`;
  if (existsSync(join(folder(), 'gates', after))) note(tool, 'held', key);
  await gate(after);
}

export const lookUp = defineTool({
  description: 'Looks an item up.',
  input: item,
  output: item,
  readOnly: true,
  duration: 'quick',
  execute: ({ item }, { idempotencyKey }) => {
    note('lookUp', 'effect', idempotencyKey);
    return { item: item.toUpperCase() };
  },
});

/** The outside system drops a second call with the same key, as a payment provider would. */
export const bookItem = defineTool({
  description: 'Books an item; the same call twice books it once.',
  input: item,
  output: item,
  idempotent: true,
  execute: async ({ item }, { idempotencyKey }) => {
    await act('bookItem', idempotencyKey);
    return { item: `booked ${item}` };
  },
});

export const mailItem = defineTool({
  description: 'Sends an item by mail; twice would be two mails.',
  input: item,
  output: item,
  execute: async ({ item }, { idempotencyKey }) => {
    await act('mailItem', idempotencyKey);
    return { item: `mailed ${item}` };
  },
});

/** Fails as long as its gate is closed: what a run that is to be retried needs. */
export const shipItem = defineTool({
  description: 'Ships an item when the warehouse is open.',
  input: item,
  output: item,
  idempotent: true,
  execute: ({ item }, { idempotencyKey }) => {
    if (existsSync(join(folder(), 'gates', 'warehouse'))) throw new Error('the warehouse is closed');
    note('shipItem', 'effect', idempotencyKey);
    return { item: `shipped ${item}` };
  },
});
