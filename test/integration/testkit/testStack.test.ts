import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, type ScriptedModel, scriptedModel, startTestStack, type TestStack, toolCalls } from 'segno/testing';
import config from '../../fixtures/historyProject/segno.config.js';

describe('a test stack', () => {
  let model: ScriptedModel;
  let stack: TestStack;

  beforeAll(async () => {
    model = await scriptedModel({
      researcher: [toolCalls([{ name: 'lookUp', arguments: { key: 'a' } }]), json({ answer: 'A' })],
    });
    stack = await startTestStack({ ...config, model });
  });
  afterAll(async () => {
    await stack.close();
    await model.close();
  });

  it('runs a workflow with its agents and tools on real servers', async () => {
    const run = await stack.client.start<string>('askResearcher', { question: 'a?' });
    expect(await run.result()).toBe('A');
    const { steps } = await stack.client.show(run.id);
    expect(steps.map(({ path, state }) => [path, state])).toEqual([
      ['researcher#1/turn#1', 'done'],
      ['researcher#1/turn#1/lookUp#1', 'done'],
      ['researcher#1/turn#2', 'done'],
    ]);
    model.assertDone();
  });

  it('says where its servers are, and that a second stack shares them without sharing work', async () => {
    const other = await startTestStack({ ...config, model: 'offline', worker: false });
    try {
      expect(other.temporalAddress).toBe(stack.temporalAddress);
      expect(other.databaseUrl).toBe(stack.databaseUrl);
      expect(other.taskQueue).not.toBe(stack.taskQueue);
      const run = await other.client.start<string>('summarizeText', { text: 'Sales rose.' });
      const worker = await other.startWorker();
      expect(await run.result()).toEqual(expect.any(String));
      expect(worker.config.taskQueue).toBe(other.taskQueue);
    } finally {
      await other.close();
    }
  });

  it('gives a worker process the project, the servers and the task queue', async () => {
    const configPath = new URL('../../fixtures/historyProject/segno.config.ts', import.meta.url).pathname;
    const other = await startTestStack({ ...config, worker: false });
    try {
      const run = await other.client.start<string[]>('callTools', { key: 'k' }, { id: randomUUID() });
      const worker = await other.startWorkerProcess({ configPath });
      expect(await run.result()).toEqual(['K', 'AGAIN', 'archived k', 'k']);
      expect(() => process.kill(worker.pid, 0)).not.toThrow();
      await worker.stop();
      expect(() => process.kill(worker.pid, 0)).toThrow('ESRCH');
    } finally {
      await other.close();
    }
  });
});
