import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { type CaseModel, caseModel } from './caseModel.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';

const startTimeoutMs = 180_000;

export interface AgentsStack extends TestStack, Pick<CaseModel, 'script' | 'requestsOf'> {
  model: CaseModel['model'];
}

/** The project of this folder on real servers, one worker, and a model that is scripted case by case. */
export function useAgentsStack(): () => AgentsStack {
  let started: AgentsStack | undefined;
  beforeAll(async () => {
    const { model, script, requestsOf } = await caseModel();
    const stack = await startTestStack({
      agents,
      tools,
      workflows: new URL('./project/workflow.ts', import.meta.url).href,
      models: { default: { provider: 'test', model: 'test-1', price: { input: 1, output: 10 } } },
      providers: { test: { baseURL: 'http://127.0.0.1:9/v1' } },
      model,
    });
    started = { ...stack, model, script, requestsOf };
  }, startTimeoutMs);
  afterAll(async () => {
    await started?.close();
    await started?.model.close();
  }, startTimeoutMs);
  return () => {
    if (!started) throw new Error('The stack is not there yet: ask for it inside a test.');
    return started;
  };
}

/** A case of a test's own. */
export function aCase(): string {
  return randomUUID();
}

export async function failureOf(result: Promise<unknown>): Promise<SegnoError> {
  return result.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (reason: unknown) => reason as SegnoError,
  );
}
