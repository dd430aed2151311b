import { describe, expect, it, vi } from 'vitest';
import { error, hang, json, text, toolCalls } from '../../../testing/index.js';
import { aCase, failureOf, useAgentsStack } from './agentsStack.js';
import { callsOf } from './project/tools.js';
import type { solve } from './project/workflow.js';

const stack = useAgentsStack();
const waitFor = { timeout: 60_000, interval: 50 };
const wrong = json({ wrong: 1 });
const right = json({ answer: '42' });

function start(name: string, options?: Parameters<typeof solve>[0]['options']) {
  return stack().client.start<typeof solve>('solve', { case: name, ...(options && { options }) });
}

const stepsOf = async (id: string) => (await stack().client.show(id)).steps;

describe('an agent', () => {
  it('has the tools a model asks for in one turn run side by side, and answers in the model’s order', async () => {
    const name = aCase();
    const call = (tool: string, content: string) => ({ name: tool, arguments: { case: name, text: content } });
    stack().script(name, [toolCalls([call('meet', 'Ada'), call('note', 'rain'), call('meet', 'Bob')]), right]);
    const run = await start(name);
    expect(await run.result()).toEqual({ answer: '42' });
    const [, last] = stack().requestsOf(name);
    expect(last?.messages.slice(3).map(({ content }) => content)).toEqual(['met Ada', 'rain is number 1', 'met Bob']);
    const steps = await stepsOf(run.id);
    expect(steps.map(({ path }) => path).sort()).toEqual([
      'solver#1/turn#1',
      'solver#1/turn#1/meet#1',
      'solver#1/turn#1/meet#2',
      'solver#1/turn#1/note#1',
      'solver#1/turn#2',
    ]);
    expect(steps.every(({ state, attempts }) => state === 'done' && attempts === 1)).toBe(true);
  });

  it('corrects an answer that does not match, and is told why', async () => {
    const name = aCase();
    stack().script(name, [wrong, text('no JSON'), right]);
    const run = await start(name);
    expect(await run.result()).toEqual({ answer: '42' });
    const [, second, third] = stack().requestsOf(name);
    expect(second?.messages.at(-1)?.content).toContain('answer');
    expect(third?.messages.at(-1)?.content).toContain('not JSON');
  });

  it('that goes on answering wrong fails as Model.InvalidOutput and names its step', async () => {
    const name = aCase();
    stack().script(name, [wrong, wrong, wrong]);
    const run = await start(name);
    expect(await failureOf(run.result())).toMatchObject({ type: 'Model.InvalidOutput', details: { step: 'solver#1' } });
    expect(stack().requestsOf(name)).toHaveLength(3);
    const shown = await stack().client.show(run.id);
    expect(shown).toMatchObject({ status: 'failed', error: { type: 'Model.InvalidOutput', step: 'solver#1' } });
  });

  it('that never answers ends at its turn limit, without running the last turn’s tools', async () => {
    const name = aCase();
    stack().script(name, () => toolCalls([{ name: 'note', arguments: { case: name, text: 'again' } }]));
    const run = await start(name, { maxTurns: 3 });
    expect(await failureOf(run.result())).toMatchObject({ type: 'Agent.TurnLimit', details: { step: 'solver#1' } });
    expect(stack().requestsOf(name)).toHaveLength(3);
    expect(callsOf(name)).toHaveLength(2);
  });

  it('that is not done in time ends at its deadline', async () => {
    const name = aCase();
    stack().script(name, [hang()]);
    const run = await start(name, { timeout: '2s' });
    const failure = await failureOf(run.result());
    expect(failure).toMatchObject({ type: 'Agent.DeadlineExceeded', details: { step: 'solver#1/turn#1' } });
  });

  it('is told of a tool that fails, of one it was not given, and of wrong arguments, and goes on', async () => {
    const name = aCase();
    const asked = [
      { name: 'broken', arguments: { case: name } },
      { name: 'whoAmI', arguments: { case: name } },
      { name: 'note', arguments: { text: 7 } },
    ];
    stack().script(name, [toolCalls(asked), right]);
    const run = await start(name);
    expect(await run.result()).toEqual({ answer: '42' });
    const told = stack()
      .requestsOf(name)[1]
      ?.messages.slice(3)
      .map(({ content }) => content);
    expect(told).toEqual([
      'Error: Tool.Failed: broken: it hurt',
      'Error: you have no tool named whoAmI. Your tools: note, meet, broken, charge.',
      expect.stringContaining('Error: invalid arguments: case:') as string,
    ]);
    expect(callsOf(name)).toHaveLength(1);
  });

  it('whose tool leaves its outcome unknown fails the run with the path of that step', async () => {
    const name = aCase();
    stack().script(name, [toolCalls([{ name: 'charge', arguments: { case: name } }])]);
    const run = await start(name);
    const step = 'solver#1/turn#1/charge#1';
    expect(await failureOf(run.result())).toMatchObject({ type: 'Tool.OutcomeUnknown', details: { step } });
    expect(callsOf(name)).toHaveLength(1);
    const unknown = (await stepsOf(run.id)).find(({ path }) => path === step);
    expect(unknown).toMatchObject({ state: 'unknown', error: { type: 'Tool.OutcomeUnknown' } });
  });

  it('outlasts a storm of 429s, whose attempts are counted and cost nothing', async () => {
    const name = aCase();
    const limited = error(429, undefined, { 'retry-after-ms': '20' });
    const usage = { promptTokens: 100, completionTokens: 7 };
    stack().script(name, [limited, limited, limited, limited, json({ answer: '42' }, { usage })]);
    const run = await start(name);
    expect(await run.result()).toEqual({ answer: '42' });
    const [step, ...more] = await stepsOf(run.id);
    expect(more).toEqual([]);
    expect(step).toMatchObject({ state: 'done', attempts: 5 });
    expect(step?.usage).toEqual({ inputTokens: 100, outputTokens: 7, costUsd: 0.00017, estimated: false });
  });

  it('stops after as many attempts as its caller allows', async () => {
    const name = aCase();
    stack().script(name, () => error(503));
    const run = await start(name, { maxAttempts: 2 });
    expect(await failureOf(run.result())).toMatchObject({ type: 'Model.ServerError' });
    expect(stack().requestsOf(name)).toHaveLength(2);
  });
});

describe('a run that is cancelled in the middle of a model call', () => {
  it('ends within two seconds, the provider sees its client go, and the call counts at its upper bound', async () => {
    const name = aCase();
    stack().script(name, [hang()]);
    const run = await start(name);
    await vi.waitFor(() => expect(stack().requestsOf(name)).toHaveLength(1), waitFor);
    const goneBefore = stack().model.stats().clientGone;
    const cancelledAtMs = Date.now();
    await run.cancel();
    expect(await failureOf(run.result())).toMatchObject({ type: 'Run.Cancelled' });
    expect(Date.now() - cancelledAtMs).toBeLessThan(2_000);
    await vi.waitFor(() => expect(stack().model.stats().clientGone).toBe(goneBefore + 1), waitFor);
    const shown = await stack().client.show(run.id);
    expect(shown).toMatchObject({ status: 'cancelled', usage: { estimated: true, outputTokens: 4_096 } });
  });
});

describe('an agent that outgrows its workflow', () => {
  it('goes on in a child and there in further executions, with its dependencies, and its history stays small', async () => {
    const name = aCase();
    const turns = 205;
    stack().script(name, (_, call) =>
      call <= turns ? toolCalls([{ name: 'whoAmI', arguments: { case: name, text: ` ${call}` } }]) : text('done'),
    );
    const { client } = stack();
    const run = await client.start('serveAtLength', { case: name }, { deps: { user: 'Ada' } });
    expect(await run.result()).toBe('done');
    const requests = stack().requestsOf(name);
    expect(requests).toHaveLength(turns + 1);
    expect(requests.at(-1)?.messages.at(-1)?.content).toBe(`Ada ${turns}`);
    const { steps } = await client.show(run.id);
    expect(steps).toHaveLength(2 * turns + 1);
    expect(steps.at(-1)?.path).toBe(`clerk#1/turn#${turns + 1}`);
    const { events } = await client.temporal.workflow.getHandle(run.id).fetchHistory();
    expect(events?.length).toBeLessThan(1_500);
    const child = events?.find(({ childWorkflowExecutionStartedEventAttributes: started }) => started);
    const { workflowId } = child?.childWorkflowExecutionStartedEventAttributes?.workflowExecution ?? {};
    const last = await client.temporal.workflow.getHandle(workflowId ?? '').fetchHistory();
    const started = last.events?.[0]?.workflowExecutionStartedEventAttributes;
    expect(started?.continuedExecutionRunId).not.toBe('');
    // What a killed worker's run waits for (STEP-PROTOCOL, Recovery).
    expect(Number(started?.workflowTaskTimeout?.seconds)).toBe(1);
  }, 300_000);
});
