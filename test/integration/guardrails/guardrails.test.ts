import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import { json, text, toolCalls } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { type CaseModel, caseModel } from '../agents/caseModel.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';
import { callsOf, canary } from './project/tools.js';

let stack: TestStack;
let cases: CaseModel;

beforeAll(async () => {
  cases = await caseModel();
  stack = await startTestStack({
    agents,
    tools,
    workflows: new URL('./project/workflow.ts', import.meta.url).href,
    models: { default: { provider: 'test', model: 'test-1', price: { input: 1, output: 10 } } },
    providers: { test: { baseURL: 'http://127.0.0.1:9/v1' } },
    model: cases.model,
  });
}, 180_000);
afterAll(async () => {
  await stack?.close();
  await cases?.model.close();
}, 180_000);

const aCase = (): string => randomUUID();
const right = json({ answer: 'fine' });
const start = (workflow: string, input: unknown) => stack.client.start(workflow, input);

async function failureOf(result: Promise<unknown>): Promise<SegnoError> {
  return result.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (reason: unknown) => reason as SegnoError,
  );
}

async function stepsOf(id: string) {
  return (await stack.client.show(id)).steps;
}

/** Everything the server and the ledger hold of a run, as text. */
async function everythingOf(id: string): Promise<string> {
  const { events } = await stack.client.temporal.workflow.getHandle(id).fetchHistory();
  const parts = textsIn(events);
  for (const table of ['steps', 'attempts', 'nodes', 'blobs', 'batches']) {
    const { rows } = await stack.ledger.query(`select * from segno.${table} t where t.scope = $1`, [id]);
    parts.push(...textsIn(rows));
  }
  return parts.join('\n');
}

/** Every text in a value, and all bytes read as one. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('an agent’s input', () => {
  it('is redacted before the model, the transcript and the ledger get it, and its step says so', async () => {
    const name = aCase();
    cases.script(name, [right]);
    const run = await start('askClerk', { case: name, text: 'I am ada@example.com, +49 30 901820' });
    expect(await run.result()).toEqual({ answer: 'fine' });
    const [request] = cases.requestsOf(name);
    expect(request?.messages[1]?.content).toContain('I am [email], [phone]');
    const [step] = await stepsOf(run.id);
    expect(step?.guardrails).toEqual([
      { rule: 'pii', at: 'input', path: 'text', kind: 'email', action: 'redact', count: 1 },
      { rule: 'pii', at: 'input', path: 'text', kind: 'phone', action: 'redact', count: 1 },
    ]);
    const { rows } = await stack.ledger.query<{ message: string }>('select message from segno.nodes where scope = $1', [
      run.id,
    ]);
    expect(JSON.stringify(rows)).not.toContain('ada@');
  });

  it('that is blocked leaves for no model; the run fails, and its step says which rule and where', async () => {
    const name = aCase();
    cases.script(name, [right]);
    const run = await start('askClerk', { case: name, text: `key ${canary}` });
    const failure = await failureOf(run.result());
    expect(failure).toMatchObject({ type: 'Guardrail.Blocked', details: { step: 'clerk#1/turn#1' } });
    expect(failure.message).toContain('no secrets in at text');
    expect(failure.message).not.toContain(canary);
    expect(cases.requestsOf(name)).toEqual([]);
    const [step] = await stepsOf(run.id);
    expect(step).toMatchObject({ state: 'failed', attempts: 1, error: { type: 'Guardrail.Blocked' } });
    expect(step?.guardrails).toMatchObject([{ rule: 'no secrets in', path: 'text', action: 'block' }]);
    expect(step?.usage.costUsd).toBe(0);
  });
});

describe('an agent’s answer', () => {
  it('is redacted in the result, the transcript and the history', async () => {
    const name = aCase();
    cases.script(name, [json({ answer: 'write to grace@example.com', aside: 'or to hopper@example.com' })]);
    const run = await start('askClerk', { case: name });
    expect(await run.result()).toEqual({ answer: 'write to [email]' });
    expect(await everythingOf(run.id)).not.toMatch(/grace@|hopper@/);
    expect((await stepsOf(run.id))[0]?.guardrails).toMatchObject([
      { at: 'output', path: 'answer', kind: 'email', count: 1 },
    ]);
  });

  it('that is blocked goes back to the model without its content, and is answered anew', async () => {
    const name = aCase();
    cases.script(name, [json({ answer: canary }), right]);
    const run = await start('askClerk', { case: name });
    expect(await run.result()).toEqual({ answer: 'fine' });
    const [, second] = cases.requestsOf(name);
    expect(second?.messages.at(-1)?.content).toContain('no secrets out at answer');
    expect(JSON.stringify(second?.messages)).not.toContain(canary);
    expect(await everythingOf(run.id)).not.toContain(canary);
  });

  it('that is blocked again and again fails the run as Guardrail.Blocked', async () => {
    const name = aCase();
    cases.script(name, () => json({ answer: canary }));
    const run = await start('askClerk', { case: name });
    expect(await failureOf(run.result())).toMatchObject({ type: 'Guardrail.Blocked', details: { step: 'clerk#1' } });
    expect(cases.requestsOf(name)).toHaveLength(2);
    expect(await everythingOf(run.id)).not.toContain(canary);
  });

  it('that is none is quoted nowhere', async () => {
    const name = aCase();
    cases.script(name, [text(`${canary} is no JSON`), right]);
    const run = await start('askClerk', { case: name });
    expect(await run.result()).toEqual({ answer: 'fine' });
    expect(await everythingOf(run.id)).not.toContain(canary.slice(0, 12));
  });
});

describe('a tool called by an agent', () => {
  it('gets redacted arguments, which are also what the transcript has', async () => {
    const name = aCase();
    const args = { case: name, to: 'ada@example.com', text: `use ${canary}` };
    cases.script(name, [toolCalls([{ name: 'send', arguments: args }]), right]);
    const run = await start('askClerk', { case: name });
    await run.result();
    expect(callsOf(name)).toEqual([{ ...args, text: 'use [secret]' }]);
    expect(await everythingOf(run.id)).not.toContain(canary);
  });

  it('is not called with blocked arguments; the model is told, and the step is on record', async () => {
    const name = aCase();
    const args = { case: name, to: 'x@evil.example.net', text: 'hi' };
    cases.script(name, [toolCalls([{ name: 'send', arguments: args }]), right]);
    const run = await start('askClerk', { case: name });
    expect(await run.result()).toEqual({ answer: 'fine' });
    expect(callsOf(name)).toEqual([]);
    const told = cases.requestsOf(name)[1]?.messages.at(-1)?.content;
    expect(told).toContain('Error: Guardrail.Blocked: send: its input was blocked by domains at to');
    expect(await everythingOf(run.id)).not.toContain('evil.example.net');
    const step = (await stepsOf(run.id)).find(({ kind }) => kind === 'tool');
    expect(step?.guardrails).toMatchObject([{ rule: 'domains', at: 'input', path: 'to', action: 'block' }]);
  });

  it('has its result redacted or withheld, and its failure, before the model sees them', async () => {
    const name = aCase();
    const calls = ['lookUp', 'leak', 'fail'].map((tool) => ({ name: tool, arguments: { case: name } }));
    cases.script(name, [toolCalls(calls), right]);
    const run = await start('askClerk', { case: name });
    expect(await run.result()).toEqual({ answer: 'fine' });
    const [looked, leaked, failed] =
      cases
        .requestsOf(name)[1]
        ?.messages.slice(-3)
        .map(({ content }) => content) ?? [];
    expect(looked).toContain('Ada, key [secret]');
    expect(leaked).toContain('Guardrail.Blocked: leak: its output was blocked by secrets at found');
    expect(failed).toContain('no entry with [secret]');
    expect(await everythingOf(run.id)).not.toContain(canary);
  });
});

describe('a tool called by a workflow', () => {
  it('fails with blocked arguments, and does not run', async () => {
    const name = aCase();
    const run = await start('callSend', { case: name, to: 'x@evil.example.net' });
    expect(await failureOf(run.result())).toMatchObject({ type: 'Guardrail.Blocked', details: { step: 'send#1' } });
    expect(callsOf(name)).toEqual([]);
    expect((await stepsOf(run.id))[0]).toMatchObject({
      state: 'failed',
      guardrails: [{ rule: 'domains', path: 'to' }],
    });
  });

  it('gives a redacted result, and only that is recorded', async () => {
    const run = await start('callLookUp', { case: aCase() });
    expect(await run.result()).toEqual({ found: 'Ada, key [secret]' });
    const everything = await everythingOf(run.id);
    // In the history and in the ledger.
    expect(everything.split('Ada, key [secret]').length).toBeGreaterThan(2);
    expect(everything).not.toContain(canary);
    expect((await stepsOf(run.id))[0]?.guardrails).toMatchObject([
      { rule: 'secrets', at: 'output', path: 'found', action: 'redact' },
    ]);
  });

  it('whose result is withheld fails the call, and is not called again by a retry of the run', async () => {
    const name = aCase();
    const run = await start('callLeak', { case: name });
    expect(await failureOf(run.result())).toMatchObject({ type: 'Guardrail.Blocked', details: { step: 'leak#1' } });
    expect((await stepsOf(run.id))[0]).toMatchObject({
      state: 'done',
      guardrails: [{ at: 'output', action: 'block' }],
    });
    const again = await stack.client.retry(run.id);
    expect(await failureOf(again.result())).toMatchObject({ type: 'Guardrail.Blocked' });
    expect(callsOf(name)).toHaveLength(1);
    expect(await everythingOf(run.id)).not.toContain(canary);
  });

  it('that throws has its message redacted', async () => {
    const run = await start('callFail', { case: aCase() });
    const failure = await failureOf(run.result());
    expect(failure).toMatchObject({ type: 'Tool.Failed' });
    expect(failure.message).toContain('no entry with [secret]');
    expect(await everythingOf(run.id)).not.toContain(canary);
  });
});

describe('in batches', () => {
  const three = (): { case: string }[] => [1, 2, 3].map(() => ({ case: aCase() }));

  it('results of tools are redacted', async () => {
    const run = await start('mapLookUp', { cases: three() });
    const one = 'Ada, key [secret]';
    expect(await run.result()).toMatchObject({ status: 'completed', output: { found: [one, one, one].join('; ') } });
    expect(await everythingOf(run.id)).not.toContain(canary);
  });

  it('results that are withheld fail their items', async () => {
    const run = await start('mapLeak', { cases: three() });
    const blocked = { error: { type: 'Guardrail.Blocked' } };
    expect(await run.result()).toMatchObject({ status: 'failed', steps: { failures: [blocked, blocked, blocked] } });
    expect(await everythingOf(run.id)).not.toContain(canary);
  });

  it('answers of agents are asked for again', async () => {
    const items = three();
    for (const { case: name } of items) cases.script(name, [text(`take ${canary}`), text('fine')]);
    const run = await start('mapWriter', { cases: items });
    expect(await run.result()).toMatchObject({ status: 'completed', output: 'fine; fine; fine' });
    expect(await everythingOf(run.id)).not.toContain(canary);
  });
});
