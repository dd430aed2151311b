import { ApplicationFailure, condition, continueAsNew, executeChild, workflowInfo } from '@temporalio/workflow';
import {
  type AgentCallOptions,
  fail,
  hedge,
  mapReduce,
  parallel,
  proxyAgents,
  proxyTools,
  withBudget,
  withTimeout,
} from '../../../../workflows/index.js';

const { solver, clerk, guesser } = proxyAgents<typeof import('./agents.js')>({ timeout: '3m' });
const { sharer } = proxyAgents<typeof import('./sharingAgents.js')>();
const { note, meet, flaky, charge, whoAmI, enlarge } = proxyTools<typeof import('./tools.js')>({ timeout: '3m' });

interface Case {
  case: string;
}

export async function solve({ options, ...input }: Case & { options?: AgentCallOptions }): Promise<{ answer: string }> {
  return solver(input, options);
}

/** The second attempt asks another model. */
export async function solveHedged(input: Case): Promise<{ answer: string; attempt: number }> {
  const body = (attempt: number) => solver(input, { model: attempt === 1 ? 'dear' : 'default' });
  const { output, attempt } = await hedge(body, { after: 200 });
  return { ...output, attempt };
}

export async function serve(input: Case): Promise<string[]> {
  const inChild = await executeChild(serveInChild, { args: [input] });
  return [await whoAmI({ ...input, text: ' here' }), await clerk(input), ...inChild];
}

export async function serveInChild(input: Case): Promise<string[]> {
  return [await whoAmI({ ...input, text: ' in a child' })];
}

export async function serveAtLength(input: Case): Promise<string> {
  return clerk(input);
}

export async function noteThrice(input: Case): Promise<string[]> {
  const first = await note({ ...input, text: 'first' });
  const { a, b } = await parallel({
    a: () => note({ ...input, text: 'a' }),
    b: () => note({ ...input, text: 'b' }),
  });
  return [first, a, b];
}

export async function tryFlaky(input: Case & { maxAttempts?: number }): Promise<string> {
  const { maxAttempts, ...rest } = input;
  return flaky(rest, maxAttempts === undefined ? {} : { maxAttempts });
}

/** One branch fails while the other waits for a call that nobody answers. */
export async function failBeside(input: Case): Promise<unknown> {
  return parallel({ pays: () => charge(input), waits: () => meet(input) });
}

export async function enlargeText(input: { text: string; times: number }): Promise<{ text: string }> {
  const once = await enlarge(input);
  return enlarge({ text: once.text, times: 1 });
}

/** Fails the first time; retried, it notes the same once more in a child, and again in a further execution. */
export async function failAfterNote({ before, ...input }: Case & { before?: string[] }): Promise<string[]> {
  const text = await note({ ...input, text: 'same' });
  if (before) return [...before, text];
  const { memo } = workflowInfo();
  if (!(memo?.['segno'] as { predecessor?: string }).predecessor) throw fail('Run.InvalidInput', 'not yet');
  const child = await executeChild(noteOnce, { args: [input] });
  return continueAsNew<typeof failAfterNote>({ ...input, before: [text, child] });
}

export async function noteOnce(input: Case): Promise<string> {
  return note({ ...input, text: 'same' });
}

export async function waitForever(): Promise<void> {
  await condition(() => false);
}

export async function throwPlainError(): Promise<never> {
  await Promise.resolve();
  throw new Error('a bug');
}

export async function failOnPurpose(): Promise<never> {
  await Promise.resolve();
  throw fail('Run.InvalidInput', 'nothing will do', 'nowhere#1');
}

/** Side by side, each with the same limit of time for the call and for the code around it. */
export async function solveTogether({
  calls,
  timeoutMs,
  ...input
}: Case & { calls: number; timeoutMs: number }): Promise<string[]> {
  const branches = Array.from(
    { length: calls },
    () => async () => (await solver(input, { timeout: timeoutMs })).answer,
  );
  return withTimeout(timeoutMs, () => parallel(branches, { timeout: timeoutMs }));
}

export async function share(input: Case): Promise<string> {
  return (await sharer(input)).answer;
}

export async function guessAll({ cases }: { cases: string[] }): Promise<unknown> {
  const { status, steps } = await mapReduce({
    items: cases.map((name) => ({ case: name })),
    map: guesser,
    onFailure: 'continue',
    itemConcurrency: 1,
  });
  return { status, completed: steps.completed, failures: steps.failures.map(({ error }) => error.type) };
}

/** So many calls one after the other, in children, of which a budget allows two. */
export async function solveMany({ calls, ...input }: Case & { calls: number }): Promise<string[]> {
  const answers: string[] = [];
  await withBudget({ calls: 2 }, async () => {
    for (let call = 0; call < calls; call += 1) {
      answers.push(await executeChild(solveOnce, { args: [input] }));
    }
  });
  return answers;
}

export async function solveOnce(input: Case): Promise<string> {
  try {
    return (await solver(input)).answer;
  } catch (error) {
    if (error instanceof ApplicationFailure) return error.type ?? '';
    throw error;
  }
}
