import { defineTool } from 'segno';
import { z } from 'zod';
import { effects } from './effects.js';

const item = z.object({ item: z.string() });

function effect(tool: string) {
  return ({ item }: { item: string }, { idempotencyKey }: { idempotencyKey: string }): { item: string } => {
    effects.push({ tool, key: idempotencyKey });
    return { item };
  };
}

export const lookUp = defineTool({
  description: 'Looks an item up.',
  input: item,
  output: item,
  readOnly: true,
  execute: effect('lookUp'),
});

/** The outside drops a second call under the same key. */
export const book = defineTool({
  description: 'Books an item.',
  input: item,
  output: item,
  idempotent: true,
  execute: effect('book'),
});

/** Twice would be two mails. */
export const mail = defineTool({ description: 'Mails an item.', input: item, output: item, execute: effect('mail') });
