import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';

const input = z.object({ case: z.string(), text: z.string().default('') });
const calls = new Map<string, string[]>();
const meetings = new Map<string, { arrived: number; all: PromiseWithResolvers }>();

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve(): void;
}

/** What the tools of a case were called with, in order. */
export function callsOf(name: string): readonly string[] {
  return calls.get(name) ?? [];
}

function noteCall(name: string, text: string): number {
  const list = calls.get(name) ?? [];
  calls.set(name, [...list, text]);
  return list.length + 1;
}

export const note = defineTool({
  description: 'Notes a text.',
  input,
  output: z.string(),
  duration: 'quick',
  readOnly: true,
  execute: ({ case: name, text }) => `${text} is number ${noteCall(name, text)}`,
});

/** Ends only when two calls of a case are under way at the same time. */
export const meet = defineTool({
  description: 'Meets.',
  input,
  output: z.string(),
  idempotent: true,
  execute: async ({ case: name, text }) => {
    const meeting = meetings.get(name) ?? { arrived: 0, all: withResolvers() };
    meetings.set(name, meeting);
    meeting.arrived += 1;
    if (meeting.arrived === 2) meeting.all.resolve();
    await meeting.all.promise;
    return `met ${text}`;
  },
});

export const broken = defineTool({
  description: 'Never works.',
  input,
  output: z.string(),
  execute: ({ case: name, text }) => {
    noteCall(name, text);
    throw new Error('it hurt');
  },
});

/** Quick, and fails every time. */
export const flaky = defineTool({
  description: 'Never works either.',
  input,
  output: z.string(),
  duration: 'quick',
  readOnly: true,
  execute: ({ case: name, text }) => {
    noteCall(name, text);
    throw new Error('it hurt');
  },
});

/** Takes effect once and does not come back in time. */
export const charge = defineTool({
  description: 'Charges.',
  input,
  output: z.string(),
  timeoutMs: 300,
  execute: ({ case: name, text }, { signal }) => {
    noteCall(name, text);
    return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut'))));
  },
});

export const whoAmI = defineTool({
  description: 'Says for whom the run acts.',
  input,
  output: z.string(),
  deps: z.object({ user: z.string() }),
  duration: 'quick',
  readOnly: true,
  execute: ({ text }, { deps }) => `${deps.user}${text}`,
});

export const enlarge = defineTool({
  description: 'Repeats a text.',
  input: z.object({ text: z.string(), times: z.number() }),
  output: z.object({ text: z.string() }),
  readOnly: true,
  execute: ({ text, times }) => ({ text: text.repeat(times) }),
});

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
