import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';

export const findFigure = defineTool({
  description: 'Looks something up.',
  input: z.object({ text: z.string() }),
  output: z.string(),
  readOnly: true,
  execute: ({ text }) => {
    if (text === 'nothing') throw new Error('the secret shelf is empty');
    return `found ${text}`;
  },
});
