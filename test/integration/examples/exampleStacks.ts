import {
  type ScriptedModel,
  scriptedModel,
  type ScriptFunction,
  startTestStack,
  type TestStack,
  type TestStackOptions,
} from 'segno/testing';
import { afterAll, afterEach, beforeAll } from 'vitest';

const startTimeoutMs = 180_000;

export interface ExampleStacks {
  offline(): TestStack;
  scripted(): TestStack;
  /** The scripted one's. */
  model(): ScriptedModel;
  /** By agent, for one test: what it answers on the scripted stack. */
  answers: Map<string, ScriptFunction>;
}

/** Examples on the offline model, and with a scripted one that answers for the agents a test names, and fails for the others. */
export function useExampleStacks(project: TestStackOptions): ExampleStacks {
  const answers = new Map<string, ScriptFunction>();
  let model: ScriptedModel;
  let offline: TestStack;
  let scripted: TestStack;
  beforeAll(async () => {
    model = await scriptedModel((request) => {
      const answer = answers.get(request.agent ?? '');
      if (!answer) throw new Error(`no answer for ${request.agent}`);
      return answer(request);
    });
    offline = await startTestStack({ ...project, model: 'offline' });
    scripted = await startTestStack({ ...project, model });
  }, startTimeoutMs);
  afterEach(() => answers.clear());
  afterAll(async () => {
    await scripted?.close();
    await offline?.close();
    await model?.close();
  }, startTimeoutMs);
  return { offline: () => offline, scripted: () => scripted, model: () => model, answers };
}
