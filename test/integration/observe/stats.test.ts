/** The figures of executions, over two workers, retries, continue-as-new and retried runs. */
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { error, json, toolCalls } from '../../../testing/index.js';
import { type TestStack, startTestStack } from '../../../testing/testStack.js';
import { aCase, failureOf } from '../agents/agentsStack.js';
import { type CaseModel, caseModel } from '../agents/caseModel.js';
import * as agents from './figures/agents.js';
import * as tools from './figures/tools.js';
import type { countCase, countTwice, failToFind } from './figures/workflow.js';

const startTimeoutMs = 180_000;
const used = { usage: { promptTokens: 100, completionTokens: 10 } };
const answer = json({ answer: '42' }, used);

describe('the figures of executions', () => {
  let stack: TestStack;
  let scripted: CaseModel;
  beforeAll(async () => {
    scripted = await caseModel();
    stack = await startTestStack({
      agents,
      tools,
      workflows: new URL('./figures/workflow.ts', import.meta.url).href,
      models: { default: { provider: 'figures', model: 'large', price: { input: 1, output: 10 } } },
      providers: { figures: {} },
      model: scripted.model,
    });
    await stack.startWorker();
  }, startTimeoutMs);
  afterAll(async () => {
    await stack?.close();
    await scripted?.model.close();
  }, startTimeoutMs);

  const start = (name: string) => stack.client.start<typeof countCase>('countCase', { case: name });
  /** The ledger and the namespace are shared with other test files; no workflow or tool of theirs is named like these. */
  const stats = async (since: string) => {
    const { byWorkflow, agents: all, tools: allTools, patterns } = await stack.client.stats({ since });
    return {
      runs: Object.fromEntries(byWorkflow.map((row) => [row.name, row])),
      clerk: all.find(({ name }) => name === 'counter'),
      lookUp: allTools.find(({ name }) => name === 'findFigure'),
      patterns,
    };
  };
  /** What is listed follows what has happened. */
  const settled = async (since: string, workflow: string, executions: number) => {
    await expect
      .poll(async () => {
        const row = (await stats(since)).runs[workflow];
        return row && [row.executions, row.running];
      })
      .toEqual([executions, 0]);
    return stats(since);
  };

  it('count a run once that goes on as new and has a child, and an agent’s call once whatever its turns and attempts', async () => {
    const since = new Date().toISOString();
    const [withTool, flaky, twice] = [aCase(), aCase(), aCase()];
    scripted.script(withTool, [toolCalls([{ name: 'findFigure', arguments: { text: 'it' } }], used), answer]);
    scripted.script(flaky, [error(500), error(500), answer]);
    scripted.script(twice, [answer, answer]);
    await (await start(withTool)).result();
    await (await start(flaky)).result();
    await (await stack.client.start<typeof countTwice>('countTwice', { case: twice })).result();
    await settled(since, 'countTwice', 1);
    const { runs, clerk, lookUp } = await settled(since, 'countCase', 2);
    expect(runs['countCase']).toMatchObject({ failed: 0, errorRate: 0 });
    expect(runs['countTwice']).toMatchObject({ failed: 0, errorRate: 0 });
    expect(clerk).toMatchObject({ executions: 4, running: 0, failed: 0, errorRate: 0, modelCalls: 7 });
    expect(clerk?.averageMs).toBeGreaterThan(0);
    expect(lookUp).toMatchObject({ executions: 1, failed: 0 });
  });

  it('take the time of a run from its first execution on', async () => {
    const since = new Date().toISOString();
    const name = aCase();
    scripted.script(name, [
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        return answer;
      },
      answer,
    ]);
    await (await stack.client.start<typeof countTwice>('countTwice', { case: name })).result();
    const { runs } = await settled(since, 'countTwice', 1);
    expect(runs['countTwice']?.averageMs).toBeGreaterThan(1_000);
  });

  it('count a run that was retried as what its retry is, and its agent once', async () => {
    const since = new Date().toISOString();
    const name = aCase();
    scripted.script(name, [error(400), answer]);
    const run = await start(name);
    await failureOf(run.result());
    expect((await settled(since, 'countCase', 1)).runs['countCase']).toMatchObject({ failed: 1, errorRate: 1 });
    await (await stack.client.retry(run.id)).result();
    await expect.poll(async () => (await stats(since)).runs['countCase']?.failed).toBe(0);
    const { runs, clerk } = await settled(since, 'countCase', 1);
    expect(runs['countCase']).toMatchObject({ executions: 1, errorRate: 0 });
    expect(clerk).toMatchObject({ executions: 1, failed: 0 });
  });

  it('know an agent that gave up, a tool that failed, and one whose model was told so', async () => {
    const since = new Date().toISOString();
    const [endless, told] = [aCase(), aCase()];
    scripted.script(endless, () => toolCalls([{ name: 'findFigure', arguments: { text: 'it' } }], used));
    scripted.script(told, [toolCalls([{ name: 'findFigure', arguments: { text: 'nothing' } }], used), answer]);
    const failure = await failureOf((await start(endless)).result());
    expect(failure.type).toBe('Agent.TurnLimit');
    await (await start(told)).result();
    await failureOf((await stack.client.start<typeof failToFind>('failToFind', undefined as never)).result());
    await settled(since, 'failToFind', 1);
    const { clerk, lookUp } = await settled(since, 'countCase', 2);
    expect(clerk).toMatchObject({ executions: 2, failed: 1, errorRate: 0.5 });
    expect(lookUp).toMatchObject({ failed: 2 });
  });

  it('show what is running as running', async () => {
    const since = new Date().toISOString();
    const name = aCase();
    let release = (): void => undefined;
    const held = new Promise<void>((done) => (release = done));
    scripted.script(name, [() => held.then(() => answer)]);
    const run = await start(name);
    await expect.poll(async () => (await stats(since)).clerk?.running).toBe(1);
    const { runs, clerk } = await stats(since);
    expect(runs['countCase']).toMatchObject({ executions: 1, running: 1, failed: 0 });
    expect(clerk).toMatchObject({ executions: 1, failed: 0 });
    expect(clerk?.errorRate).toBeUndefined();
    release();
    await run.result();
  });

  it('are printed by `segno stats`, as text and as JSON, and refused for a time that is none', async () => {
    const cli = (...args: string[]) =>
      new Promise<{ code: number; out: string; err: string }>((resolve) => {
        const main = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
        const env = { ...process.env, TEMPORAL_ADDRESS: stack.temporalAddress, DATABASE_URL: stack.databaseUrl };
        const options = { env, cwd: new URL('./project', import.meta.url).pathname };
        execFile(process.execPath, [main, 'stats', ...args], options, (failure, out, err) =>
          resolve({ code: failure ? Number(failure.code) : 0, out, err }),
        );
      });
    const [text, asJson, wrong] = await Promise.all([cli('--since', '1h'), cli('--json'), cli('--since', 'yesterday')]);
    expect(text.out).toMatch(/^\d+\+? runs, .* completed, .* on average/);
    expect(text.out).toMatch(/AGENT +EXECUTIONS/);
    expect(text.out).not.toContain('\u001b');
    expect(JSON.parse(asJson.out)).toMatchObject({ runs: { partial: false }, agents: expect.any(Array) as unknown[] });
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.err).toContain('30m, 12h, 7d, 2w');
  });
});
