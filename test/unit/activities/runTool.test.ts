import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { RunToolRequest } from '../../../core/contracts.js';
import { documentRefSchema } from '../../../core/document.js';
import { defineAgent } from '../../../core/defineAgent.js';
import { defineTool } from '../../../core/defineTool.js';
import { SegnoError } from '../../../core/errors.js';
import type { ToolContext } from '../../../core/tool.js';
import { getBlob, putBlob, resolveStep } from '../../../ledger/index.js';
import { scriptedModel, text, toolCalls } from '../../../testing/index.js';
import { aWorker, failureOf, stepOf, stepsOf, useLedger, workflowIdOf } from './activityWorker.js';

const ledger = useLedger();
const kinds = { once: {}, idempotent: { idempotent: true }, pure: { readOnly: true } };
const input = z.object({ to: z.string() });
const request = { tool: 'tool', path: 'tool#1', input: { to: 'Ada' } } satisfies RunToolRequest;
type Execute = (given: { to: string }, context: ToolContext<unknown>) => unknown;

/** A worker with one tool; `calls` are the idempotency keys it was called with. */
function toolWorker(execute: Execute, options: Partial<Parameters<typeof defineTool>[0]> = {}) {
  const calls: string[] = [];
  const tool = defineTool({
    description: 'A tool.',
    input,
    output: z.string(),
    ...options,
    execute: (given, context) => {
      calls.push(context.idempotencyKey);
      return execute(given as { to: string }, context);
    },
  });
  const another = () => aWorker({ ledger: ledger(), tools: { tool } });
  return { worker: another(), another, calls, runId: randomUUID() };
}

/** Ends with the signal, as a well-behaved tool does. */
const untilAborted: Execute = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    const stop = () => reject(new Error('stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });

describe('a call', () => {
  it('of a retried run keeps the idempotency key under which the failed run began it', async () => {
    let broken = true;
    const { worker, calls, runId } = toolWorker(
      () => {
        if (broken) throw new Error('not yet');
        return 'sent';
      },
      { idempotent: true },
    );
    const [failed, retried] = [runId, `${runId}-retried`];
    await failureOf(worker.runTool({ ...request, maxAttempts: 1 }, { runId: failed }));
    broken = false;
    const again = { ...request, ctx: { predecessor: failed } };
    expect(await worker.runTool(again, { runId: retried }).result).toEqual({ value: 'sent' });
    expect(calls).toEqual([`${failed}/tool#1`, `${failed}/tool#1`]);
    expect(await stepOf(ledger(), retried)).toMatchObject({ state: 'done', attempts: 1 });
  });

  it('has the same idempotency key at every attempt, made of run and path', async () => {
    let failures = 2;
    const { worker, calls, runId } = toolWorker(
      () => {
        if (failures-- > 0) throw new Error('not yet');
        return 'sent';
      },
      { idempotent: true },
    );
    await failureOf(worker.runTool(request, { runId, attempt: 1 }));
    await failureOf(worker.runTool(request, { runId, attempt: 2 }));
    expect(await worker.runTool(request, { runId, attempt: 3 }).result).toEqual({ value: 'sent', attempts: 3 });
    expect(calls).toEqual(Array(3).fill(`${runId}/tool#1`));
    expect(await stepOf(ledger(), runId)).toMatchObject({ state: 'done', attempts: 3 });
  });

  it.each([
    ['once', false],
    ['idempotent', false],
    ['pure', false],
    ['once', true],
    ['idempotent', true],
    ['pure', true],
  ] as const)('that is done returns what was recorded and does not run again: %s, quick: %s', async (safety, quick) => {
    let count = 0;
    const { worker, another, calls, runId } = toolWorker(() => `call ${(count += 1)}`, {
      ...kinds[safety],
      duration: quick ? 'quick' : 'long',
    });
    const options = { runId, local: quick };
    expect(await worker.runTool(request, options).result).toEqual({ value: 'call 1' });
    expect(await another().runTool(request, options).result).toEqual({ value: 'call 1' });
    expect(await another().runTool(request, { runId, attempt: 2 }).result).toEqual({ value: 'call 1' });
    expect(calls).toHaveLength(1);
  });

  it('with other arguments under the same key is a mismatch', async () => {
    const { worker, calls, runId } = toolWorker(() => 'sent');
    await worker.runTool(request, { runId }).result;
    const other = worker.runTool({ ...request, input: { to: 'Bob' } }, { runId });
    expect(await failureOf(other)).toMatchObject({ type: 'Step.Mismatch', nonRetryable: true });
    expect(calls).toHaveLength(1);
  });
});

/** A call that never comes back may end after its test, when the ledger is closed. */
const abandon = ({ result }: { result: Promise<unknown> }): void => void result.catch(() => undefined);

describe('sent without done', () => {
  it('is Tool.OutcomeUnknown for a tool that may take effect once, and it is not called again', async () => {
    const { worker, another, calls, runId } = toolWorker(() => new Promise(() => undefined));
    abandon(worker.runTool(request, { runId, attempt: 1 }));
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    const busy = await failureOf(another().runTool(request, { runId, attempt: 2 }));
    expect(busy).toMatchObject({ type: 'Step.Busy', nonRetryable: false });
    expect(busy.nextRetryDelay).toBeGreaterThan(0);
    await ledger().query('update segno.steps set lease_until = now() where run_id = $1', [runId]);
    for (const attempt of [3, 4]) {
      const failure = await failureOf(another().runTool(request, { runId, attempt }));
      expect(failure).toMatchObject({ type: 'Tool.OutcomeUnknown', nonRetryable: true });
    }
    expect(calls).toHaveLength(1);
    expect((await stepOf(ledger(), runId)).state).toBe('unknown');
  });

  it('of an idempotent tool is called again with the same key', async () => {
    let first = true;
    const { worker, another, calls, runId } = toolWorker(
      () => {
        if (!first) return 'sent';
        first = false;
        return new Promise(() => undefined);
      },
      { idempotent: true },
    );
    abandon(worker.runTool(request, { runId, attempt: 1 }));
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    expect(await another().runTool(request, { runId, attempt: 2 }).result).toEqual({ value: 'sent', attempts: 2 });
    expect(calls[1]).toBe(calls[0]);
  });
});

describe('a tool that throws', () => {
  it('and may take effect once is not tried again', async () => {
    const { worker, calls, runId } = toolWorker(() => {
      throw new Error('it hurt');
    });
    const failure = await failureOf(worker.runTool(request, { runId, attempt: 1 }));
    expect(failure).toMatchObject({ type: 'Tool.Failed', nonRetryable: true, message: 'tool: it hurt' });
    expect(await failureOf(worker.runTool(request, { runId, attempt: 2 }))).toMatchObject({ type: 'Tool.Failed' });
    expect(calls).toHaveLength(1);
  });

  it('and may take effect once is tried again when it said that nothing has happened', async () => {
    let first = true;
    const { worker, calls, runId } = toolWorker(() => {
      if (!first) return 'sent';
      first = false;
      throw new SegnoError('Mail.Unavailable', 'busy', { retryable: true });
    });
    const failure = await failureOf(worker.runTool(request, { runId, attempt: 1 }));
    expect(failure).toMatchObject({ type: 'Mail.Unavailable', nonRetryable: false });
    expect(await worker.runTool(request, { runId, attempt: 2 }).result).toEqual({ value: 'sent', attempts: 2 });
    expect(calls).toHaveLength(2);
  });

  it('what is retryable by nature only is not tried again when it may take effect once', async () => {
    const { worker } = toolWorker(() => {
      throw new SegnoError('Mail.Unavailable', 'busy');
    });
    expect(await failureOf(worker.runTool(request))).toMatchObject({ type: 'Mail.Unavailable', nonRetryable: true });
  });

  it.each([false, true])('is tried five times, or as often as the caller says; quick: %s', async (quick) => {
    const options = { readOnly: true, duration: quick ? ('quick' as const) : ('long' as const) };
    const throwing: Execute = () => {
      throw new Error('it hurt');
    };
    const tries = async (maxAttempts?: number) => {
      const { worker, calls, runId } = toolWorker(throwing, options);
      const limited = { ...request, ...(maxAttempts !== undefined && { maxAttempts }) };
      // A quick tool has its first try inside the workflow task.
      let failure = await failureOf(worker.runTool(limited, { runId, local: quick }));
      for (let attempt = 1; !failure.nonRetryable && attempt < 20; attempt += 1) {
        failure = await failureOf(worker.runTool(limited, { runId, attempt: quick ? attempt : attempt + 1 }));
      }
      expect(await stepOf(ledger(), runId)).toMatchObject({ state: 'failed', attempts: calls.length });
      return calls.length;
    };
    expect(await tries()).toBe(5);
    expect(await tries(2)).toBe(2);
    expect(await tries(1)).toBe(1);
  });
});

describe('a time limit', () => {
  it('leaves the outcome of a once-only effect unknown, for a person to settle', async () => {
    const { worker, another, calls, runId } = toolWorker(untilAborted, { timeoutMs: 20 });
    const failure = await failureOf(worker.runTool(request, { runId, attempt: 1 }));
    expect(failure).toMatchObject({ type: 'Tool.OutcomeUnknown', nonRetryable: true });
    const { key, state, error } = await stepOf(ledger(), runId);
    expect({ state, type: error?.type }).toEqual({ state: 'unknown', type: 'Tool.OutcomeUnknown' });
    await failureOf(another().runTool(request, { runId, attempt: 2 }));
    expect(calls).toHaveLength(1);
    expect(await resolveStep(ledger(), { key, resolution: { done: { value: 'sent' } }, by: 'ada' })).toBe(true);
    expect(await another().runTool(request, { runId, attempt: 3 }).result).toEqual({ value: 'sent' });
  });

  it('of an idempotent tool is tried again', async () => {
    const { worker } = toolWorker(untilAborted, { idempotent: true, timeoutMs: 20 });
    const failure = await failureOf(worker.runTool(request));
    expect(failure).toMatchObject({ type: 'Tool.DeadlineExceeded', nonRetryable: false });
    expect(failure.message).toContain('20 ms');
  });
});

describe('a tool that does not listen to its signal', () => {
  it('is given up soon after its time limit, and after cancellation', async () => {
    const deaf: Execute = () => new Promise(() => undefined);
    const slow = toolWorker(deaf, { idempotent: true, timeoutMs: 20 });
    expect(await failureOf(slow.worker.runTool(request))).toMatchObject({ type: 'Tool.DeadlineExceeded' });
    const cancelled = toolWorker(deaf);
    const call = cancelled.worker.runTool(request, { runId: cancelled.runId });
    await vi.waitFor(() => expect(cancelled.calls).toHaveLength(1));
    call.cancel();
    await expect(call.result).rejects.toMatchObject({ name: 'CancelledFailure' });
    expect((await stepOf(ledger(), cancelled.runId)).state).toBe('unknown');
  });
});

describe('a worker that shuts down', () => {
  it.each([
    ['once', { type: 'Tool.OutcomeUnknown', state: 'unknown' }],
    ['idempotent', { type: 'Run.Cancelled', state: 'failed' }],
  ] as const)('in the middle of a tool that is %s', async (safety, { type, state }) => {
    const { worker, calls, runId } = toolWorker(untilAborted, kinds[safety]);
    const call = worker.runTool({ ...request, maxAttempts: 1 }, { runId });
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    call.cancel();
    await expect(call.result).rejects.toMatchObject({ name: 'CancelledFailure' });
    const step = await stepOf(ledger(), runId);
    expect(step).toMatchObject({ state, error: { type, retryable: safety !== 'once' } });
  });
});

describe('arguments and results', () => {
  it('that do not match the input schema never reach the tool', async () => {
    const { worker, calls } = toolWorker(() => 'sent');
    const failure = await failureOf(worker.runTool({ ...request, input: { to: 7 } }));
    expect(failure).toMatchObject({ type: 'Tool.InvalidInput', nonRetryable: true });
    expect(failure.message).toContain('to:');
    expect(calls).toHaveLength(0);
  });

  it('over which a refinement throws are final, too', async () => {
    const refuses = z.object({ to: z.string().refine(() => JSON.parse('{')) });
    const { worker, calls } = toolWorker(() => 'sent', { input: refuses });
    const failure = await failureOf(worker.runTool(request));
    expect(failure).toMatchObject({ type: 'Tool.InvalidInput', nonRetryable: true });
    expect(calls).toEqual([]);
  });

  it('that do not match the output schema are the tool’s fault, and final', async () => {
    const { worker } = toolWorker(() => 7, { readOnly: true });
    expect(await failureOf(worker.runTool(request))).toMatchObject({ type: 'Tool.InvalidOutput', nonRetryable: true });
  });

  it('of a tool nobody has fail and name those there are', async () => {
    const { worker } = toolWorker(() => 'sent');
    const failure = await failureOf(worker.runTool({ ...request, tool: 'nothing' }, { local: true }));
    expect(failure).toMatchObject({ type: 'Tool.Unknown', nonRetryable: true });
    expect(failure.message).toContain('there are: tool');
  });
});

describe('a long tool', () => {
  it('does not run inside the workflow task, asked for its policy or not', async () => {
    const { worker, calls } = toolWorker(() => 'sent', { timeoutMs: 7_000 });
    for (const local of [{ ...request, onlyQuick: true as const }, request]) {
      expect(await worker.runTool(local, { local: true }).result).toEqual({ policy: { timeoutMs: 7_000 } });
    }
    expect(calls).toHaveLength(0);
  });

  it('is asked for its policy as a remote activity too', async () => {
    const { worker, calls } = toolWorker(() => 'sent');
    const asked = worker.runTool({ ...request, onlyQuick: true });
    expect(await asked.result).toEqual({ policy: { timeoutMs: 60_000 } });
    expect(calls).toHaveLength(0);
  });
});

describe('a step that goes on as another activity, whose attempts are counted from 1 again', () => {
  it('waits until its count has reached the old one, and goes on', async () => {
    let failures = 1;
    const execute = () => {
      if (failures-- > 0) throw new Error('not yet');
      return 'sent';
    };
    const { worker, calls, runId } = toolWorker(execute, { idempotent: true });
    await failureOf(worker.runTool(request, { runId, attempt: 2 }));
    const early = await failureOf(worker.runTool(request, { runId, attempt: 1 }));
    expect(early).toMatchObject({ type: 'Step.Fenced', nonRetryable: false });
    expect(await worker.runTool(request, { runId, attempt: 2 }).result).toEqual({ value: 'sent', attempts: 2 });
    expect(calls).toHaveLength(2);
  });
});

describe('dependencies', () => {
  const deps = z.object({ user: z.string() });
  const stored = async (value: unknown, runId: string) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const scope = workflowIdOf(runId);
    return (await putBlob(ledger(), { tenant: 'default', scope, bytes, mediaType: 'application/json' })).sha256;
  };

  it('reach the tool', async () => {
    const { worker, runId } = toolWorker((_, context) => (context.deps as { user: string }).user, { deps });
    const ctx = { deps: await stored({ user: 'Ada', more: 1 }, runId) };
    expect(await worker.runTool({ ...request, ctx }, { runId }).result).toEqual({ value: 'Ada' });
  });

  it('that are missing or wrong fail the call before it has begun', async () => {
    const { worker, calls, runId } = toolWorker(() => 'sent', { deps });
    expect(await failureOf(worker.runTool(request, { runId }))).toMatchObject({ type: 'Deps.Missing' });
    const ctx = { deps: await stored({}, runId) };
    const failure = await failureOf(worker.runTool({ ...request, ctx }, { runId }));
    expect(failure).toMatchObject({ type: 'Deps.Invalid', nonRetryable: true });
    expect(calls).toHaveLength(0);
    expect(await stepsOf(ledger(), runId)).toEqual([]);
  });
});

describe('documents', () => {
  it('are written and read by content, in the run’s own scope', async () => {
    const copy = defineTool({
      description: 'Copies.',
      input: documentRefSchema,
      output: documentRefSchema,
      execute: async (document, { documents }) => {
        const bytes = await documents.read(document);
        return documents.write(Buffer.concat([bytes, Buffer.from('!')]), 'text/plain', 'copy.txt');
      },
    });
    const runId = randomUUID();
    const scope = workflowIdOf(runId);
    const bytes = Buffer.from('hello');
    const original = await putBlob(ledger(), { tenant: 'default', scope, bytes, mediaType: 'text/plain' });
    const worker = aWorker({ ledger: ledger(), tools: { copy } });
    const { value } = await worker.runTool({ tool: 'copy', path: 'copy#1', input: original }, { runId }).result;
    expect(value).toMatchObject({ mediaType: 'text/plain', bytes: 6, name: 'copy.txt' });
    const { sha256 } = value as { sha256: string };
    expect(Buffer.from((await getBlob(ledger(), { tenant: 'default', sha256 })).bytes).toString()).toBe('hello!');
  });
});

describe('an agent’s call', () => {
  const agent = defineAgent({ instructions: 'Act.', input: z.string(), output: z.string(), tools: ['tool', 'broken'] });
  const make = (execute: Execute, options: Partial<Parameters<typeof defineTool>[0]> = {}) =>
    defineTool({ description: 'A tool.', input, output: z.any(), ...options, execute: execute as never });

  /** Let the model ask for a call, make it, and read what the model is told. */
  async function answerTo(call: { name: string; arguments: unknown }, tools: Record<string, ReturnType<typeof make>>) {
    const model = await scriptedModel([toolCalls([call]), text('Done.')]);
    const worker = aWorker({
      ledger: ledger(),
      baseURL: model.url,
      agents: { agent },
      tools: { tool: make(() => 'fine'), broken: make(() => 'fine'), ...tools },
    });
    const runId = randomUUID();
    try {
      const turn = await worker.callModel({ agent: 'agent', path: 'agent#1/turn#1', input: 'Go.' }, { runId }).result;
      const ask = { tool: call.name, path: `agent#1/turn#1/${call.name}#1`, agent: 'agent', head: turn.head, index: 0 };
      const { hash } = await worker.runTool(ask, { runId }).result;
      const next = { agent: 'agent', path: 'agent#1/turn#2', head: turn.head, append: [hash!] };
      await worker.callModel(next, { runId }).result;
      const message = model.requests[1]?.messages.at(-1);
      expect(message?.role).toBe('tool');
      return message?.content;
    } finally {
      await model.close();
    }
  }
  const toAda = { name: 'tool', arguments: { to: 'Ada' } };

  it.each([
    ['text as it is', 'fine', 'fine'],
    ['anything else as JSON', { ok: [1, null] }, '{"ok":[1,null]}'],
    ['nothing as null', undefined, 'null'],
  ])('is answered with %s', async (_, value, told) => {
    expect(await answerTo(toAda, { tool: make(() => value) })).toBe(told);
  });

  it('of a tool it was not given runs nothing, and the model is told its own tools', async () => {
    const execute = vi.fn(() => 'fine');
    const told = await answerTo({ ...toAda, name: 'secret' }, { secret: make(execute) });
    expect(told).toBe('Error: you have no tool named secret. Your tools: tool, broken.');
    expect(execute).not.toHaveBeenCalled();
  });

  it('of a tool that does not exist is told so', async () => {
    expect(await answerTo({ ...toAda, name: 'invented' }, {})).toContain('no tool named invented');
  });

  it('with arguments that do not match runs nothing, and the model is told why', async () => {
    const execute = vi.fn(() => 'fine');
    const told = await answerTo({ name: 'tool', arguments: { to: 7 } }, { tool: make(execute) });
    expect(told).toMatch(/^Error: invalid arguments: to:/);
    expect(execute).not.toHaveBeenCalled();
  });

  it('whose tool fails for good is told the error', async () => {
    const broken = make(() => {
      throw new Error('it hurt');
    });
    expect(await answerTo({ ...toAda, name: 'broken' }, { broken })).toBe('Error: Tool.Failed: broken: it hurt');
  });

  it('whose outcome is unknown is not told to the model: it fails the call', async () => {
    const slow = answerTo(toAda, { tool: make(untilAborted, { timeoutMs: 20 }) });
    expect(await failureOf({ result: slow })).toMatchObject({ type: 'Tool.OutcomeUnknown', nonRetryable: true });
  });

  it('of a transcript that has no such call is a mismatch', async () => {
    const model = await scriptedModel([toolCalls([toAda])]);
    const worker = aWorker({
      ledger: ledger(),
      baseURL: model.url,
      agents: { agent },
      tools: { tool: make(() => ''), broken: make(() => '') },
    });
    const turn = await worker.callModel({ agent: 'agent', path: 'agent#1/turn#1', input: 'Go.' }).result;
    await model.close();
    const ask = { tool: 'tool', path: 'x', agent: 'agent', head: turn.head, index: 1 };
    expect(await failureOf(worker.runTool(ask))).toMatchObject({ type: 'Step.Mismatch' });
  });
});

describe('arguments that are no JSON', () => {
  it.each([
    ['cut off', '{"to": "Ad'],
    ['nested without end', `{"to": "Ada", "more": ${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ])('run nothing, and the model is told: %s', async (_, text) => {
    const { rawProvider, events, chunk } = await import('./rawProvider.js');
    const call = { index: 0, id: 'c1', type: 'function', function: { name: 'tool', arguments: text } };
    const provider = await rawProvider(events([chunk({ tool_calls: [call] }, { finish: 'tool_calls' }), '[DONE]']));
    const agent = defineAgent({ instructions: 'Act.', input: z.string(), output: z.string(), tools: ['tool'] });
    const execute = vi.fn(() => 'fine');
    const tool = defineTool({ description: 'A tool.', input, output: z.string(), execute });
    const worker = aWorker({ ledger: ledger(), baseURL: provider.baseURL, agents: { agent }, tools: { tool } });
    const runId = randomUUID();
    const turn = await worker.callModel({ agent: 'agent', path: 'agent#1/turn#1', input: 'Go.' }, { runId }).result;
    await provider.close();
    const ask = { tool: 'tool', path: 'agent#1/turn#1/tool#1', agent: 'agent', head: turn.head, index: 0 };
    const { hash } = await worker.runTool(ask, { runId }).result;
    const { bytes } = await getBlob(ledger(), { tenant: 'default', sha256: hash! });
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
      role: 'tool',
      tool_call_id: 'c1',
      content: 'Error: invalid arguments: the arguments are not JSON',
    });
    expect(execute).not.toHaveBeenCalled();
  });
});
