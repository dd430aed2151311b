import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';
import { SegnoError } from '../../../../core/errors.js';

const noted: string[] = [];

/** What the tools did for a case, in order. */
export function notesOf(name: string): string[] {
  return noted.filter((text) => text.startsWith(`${name} `)).map((text) => text.slice(name.length + 1));
}

const number = z.object({
  case: z.string(),
  n: z.number(),
  /** How often it throws before it works; -1: always, and finally. */
  fails: z.number().default(0),
});
const failures = new Map<string, number>();

function act(tool: string, { case: name, n, fails }: z.output<typeof number>): { sum: number } {
  noted.push(`${name} ${tool} ${n}`);
  if (fails === -1) throw new SegnoError('Tool.Failed', `${n} does not work`, { retryable: false });
  const failed = failures.get(`${name} ${n}`) ?? 0;
  if (failed >= fails) return { sum: n };
  failures.set(`${name} ${n}`, failed + 1);
  throw new SegnoError('Tool.Failed', `${n} does not work yet`, { retryable: true, retryAfterMs: 1 });
}

const sum = z.object({ sum: z.number() });

export const look = defineTool({
  description: 'Looks at a number: nothing changes.',
  input: number,
  output: sum,
  readOnly: true,
  duration: 'quick',
  execute: (input) => act('look', input),
});

export const book = defineTool({
  description: 'Books a number: an effect that may be repeated.',
  input: number,
  output: sum,
  idempotent: true,
  execute: (input) => act('book', input),
});

export const mail = defineTool({
  description: 'Mails a number: an effect that happens once.',
  input: number,
  output: sum,
  execute: (input) => act('mail', input),
});

export const wait = defineTool({
  description: 'Never ends by itself.',
  input: number,
  output: sum,
  idempotent: true,
  execute: ({ case: name, n }, { signal }) => {
    noted.push(`${name} wait ${n}`);
    return new Promise<{ sum: number }>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        noted.push(`${name} wait ${n} cancelled`);
        reject(new Error('cancelled'));
      });
    });
  },
});

export const post = defineTool({
  description: 'Posts a number, an effect that happens once, and never says that it has.',
  input: number,
  output: sum,
  execute: (input, context) => wait.execute(input, context),
});

export const linger = defineTool({
  description: 'Ends at once for numbers below 10, for others never by itself.',
  input: number,
  output: sum,
  idempotent: true,
  execute: (input, context) => (input.n < 10 ? act('linger', input) : wait.execute(input, context)),
});

export const add = defineTool({
  description: 'Adds up sums.',
  input: z.array(sum),
  output: sum,
  readOnly: true,
  duration: 'quick',
  execute: (sums) => ({ sum: sums.reduce((all, { sum: one }) => all + one, 0) }),
});

export const bigText = defineTool({
  description: 'A text of so many characters.',
  input: z.object({ characters: z.number() }),
  output: z.object({ text: z.string() }),
  readOnly: true,
  execute: ({ characters }) => ({ text: 'x'.repeat(characters) }),
});

export const measure = defineTool({
  description: 'Measures a part of a text.',
  input: z.object({ text: z.string() }),
  output: sum,
  readOnly: true,
  duration: 'quick',
  execute: ({ text }) => ({ sum: text.length }),
});

const closed = new Set<string>();
/** What `pass` looks at. */
export const gates = {
  close: (name: string): void => void closed.add(name),
  open: (name: string): void => void closed.delete(name),
};

export const pass = defineTool({
  description: 'Passes an open gate.',
  input: z.object({ gate: z.string() }),
  output: z.object({}),
  readOnly: true,
  execute: ({ gate }) => {
    if (closed.has(gate)) throw new SegnoError('Tool.Failed', `${gate} is closed`, { retryable: false });
    return {};
  },
});
