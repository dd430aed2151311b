import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';

/** Who has entered, in order. */
export const entered: string[] = [];
let open = (): void => undefined;
const opened = new Promise<void>((resolve) => (open = resolve));
export const openDoor = (): void => open();

/** Each takes a slot of the worker; the first ones keep theirs until the door is open. */
export const enter = defineTool({
  description: 'Enters.',
  input: z.object({ name: z.string() }),
  output: z.null(),
  idempotent: true,
  execute: async ({ name }) => {
    entered.push(name);
    await opened;
    return null;
  },
});
