import { defineTool } from 'segno';
import { z } from 'zod';

const fetchTool = {
  description: 'Text of so many bytes.',
  input: z.object({ bytes: z.number(), call: z.number() }),
  output: z.object({ text: z.string() }),
  readOnly: true,
  execute: ({ bytes, call }: { bytes: number; call: number }) => ({ text: `${call} `.padEnd(bytes, 'word ') }),
};
export const quickFetch = defineTool({ ...fetchTool, duration: 'quick' });
export const longFetch = defineTool({ ...fetchTool, duration: 'long' });

const addTool = {
  description: 'Add one.',
  input: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  readOnly: true,
  execute: ({ n }: { n: number }) => ({ n: n + 1 }),
};
export const quickAdd = defineTool({ ...addTool, duration: 'quick' });
export const longAdd = defineTool({ ...addTool, duration: 'long' });
