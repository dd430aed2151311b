/** What the compiler knows of maps and their reductions, and refuses in them. */
import { z } from 'zod';
import { defineTool } from '../../core/index.js';
import type { DocumentRef } from '../../core/document.js';
import { type MapReduced, mapReduce, proxyTools, type TextPart } from '../../workflows/index.js';

const exactly =
  <Expected>() =>
  <Actual>(
    _value: Actual,
    _same: (<T>() => T extends Actual ? 1 : 2) extends <T>() => T extends Expected ? 1 : 2 ? true : false,
  ): void => {};

export const read = defineTool({
  description: 'Reads.',
  input: z.object({ cik: z.string(), year: z.number().default(2024) }),
  output: z.object({ revenue: z.number() }),
  execute: () => ({ revenue: 1 }),
});
export const add = defineTool({
  description: 'Adds up.',
  input: z.array(z.object({ revenue: z.number() })),
  output: z.object({ revenue: z.number() }),
  execute: () => ({ revenue: 1 }),
});
const tools = proxyTools<{ read: typeof read; add: typeof add }>();
const items = [{ cik: '1' }];
const document: DocumentRef = { sha256: '', mediaType: 'text/plain', bytes: 1 };

export async function outputs(): Promise<void> {
  exactly<{ revenue: number }>()(await mapReduce({ items, map: tools.read, reduce: tools.add }), true);
  exactly<MapReduced<{ revenue: number }>>()(
    await mapReduce({ items, map: tools.read, reduce: tools.add, onFailure: 'continue', minimum: 1 }),
    true,
  );
  const count = await mapReduce({
    items,
    map: tools.read,
    reduce: (parts) => parts.length,
    combine: (counts) => counts.reduce((sum, one) => sum + one, 0),
  });
  exactly<number>()(count, true);
  exactly<DocumentRef>()(await mapReduce({ items, map: tools.read }), true);
  exactly<MapReduced<DocumentRef>>()(await mapReduce({ items, map: tools.read, onFailure: 'continue' }), true);
}

export async function wrongUses(): Promise<void> {
  // @ts-expect-error the items are no input of the tool
  await mapReduce({ items: [{ year: 1 }], map: tools.read, reduce: tools.add });
  // @ts-expect-error the outputs are no input of the reduction
  await mapReduce({ items: [[{ revenue: 1 }]], map: tools.add, reduce: (parts: string[]) => parts.join(' ') });
  // @ts-expect-error another kind needs a combination
  await mapReduce({ items, map: tools.read, reduce: (parts) => parts.length });
  // @ts-expect-error a minimum without going on
  await mapReduce({ items, map: tools.read, reduce: tools.add, minimum: 1 });
  // @ts-expect-error a part of a text is no input of the tool
  await mapReduce({ items: { document, split: { by: 'pages' } }, map: tools.read, reduce: tools.add });
  await mapReduce({
    items: { document, split: { by: 'pages' } },
    map: (part: TextPart) => Promise.resolve({ revenue: part.text.length }),
    reduce: tools.add,
  });
}
