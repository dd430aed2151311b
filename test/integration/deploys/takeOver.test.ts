/** A deploy in the middle of a run: the old build's worker ends, the new build's takes the run over. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type ScriptedModel, scriptedModel, startTestStack, type TestStack, toolCalls } from 'segno/testing';
import { inFull } from '../../chaos/inFull.js';
import config from './before/segno.config.js';

const configOf = (build: 'before' | 'after'): string => new URL(`./${build}/segno.config.ts`, import.meta.url).pathname;
const input = { first: 'A-1', second: 'B-2' };

describe('a worker of a new build that takes over a run of the old one', () => {
  let dir: string;
  let env: NodeJS.ProcessEnv;
  let model: ScriptedModel;
  let stack: TestStack;
  const ran = (): string[] => readFileSync(join(dir, 'log'), 'utf8').trim().split('\n');
  const openGate = (): void => writeFileSync(join(dir, 'gate'), '');

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'segno-deploy-'));
    env = { DEPLOY_LOG: join(dir, 'log'), DEPLOY_GATE: join(dir, 'gate') };
    writeFileSync(join(dir, 'log'), '');
    model = await scriptedModel({
      clerk: [
        toolCalls([{ name: 'lookUpSupplier', arguments: { name: 'A' } }]),
        json({ pay: true }),
        toolCalls([{ name: 'lookUpSupplier', arguments: { name: 'B' } }]),
        json({ pay: true }),
      ],
      auditor: () => json({ fine: true }),
    });
    stack = await startTestStack({ ...config, model, worker: false });
  });
  afterEach(async () => {
    await stack.close();
    await model.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const startHalf = async () => {
    const old = await stack.startWorkerProcess({ configPath: configOf('before'), env });
    const run = await stack.client.start<string[]>('payInvoices', input);
    await expect.poll(() => ran(), { timeout: 60_000, interval: 100 }).toContain('before waitForGate waitForGate#1');
    return { old, run };
  };

  /** The gate may have been asked again by the new build; everything else runs once, wherever it ran. */
  const expectOnceEach = (lines: readonly string[]): void => {
    const steps = lines.filter((line) => !line.includes('waitForGate')).map((line) => line.split(' ')[2]);
    expect(steps).toHaveLength(new Set(steps).size);
    expect(steps).toEqual([
      'lookUpSupplier#1',
      'clerk#1/turn#1/lookUpSupplier#1',
      'pay#1',
      'lookUpSupplier#2',
      'clerk#2/turn#1/lookUpSupplier#1',
      'pay#2',
    ]);
  };

  it.each(['killed', ...inFull('stopped')] as const)(
    'completes it after the old worker was %s, and nothing finished runs again',
    async (how) => {
      const { old, run } = await startHalf();
      const finishedBefore = ran().filter((line) => !line.includes('waitForGate'));
      if (how === 'killed') await old.kill();
      else await old.stop();
      await stack.startWorkerProcess({ configPath: configOf('after'), env });
      openGate();
      expect(await run.result()).toEqual(['true', 'A-1', 'true', 'B-2', 'audited']);

      expect(ran().slice(0, finishedBefore.length)).toEqual(finishedBefore);
      expectOnceEach(ran());
      const after = ran().filter((line) => line.startsWith('after '));
      expect(after.map((line) => line.split(' ')[1])).toEqual(['lookUpSupplier', 'lookUpSupplier', 'pay']);
      expect(systemPrompts(model)).toEqual(['one', 'one', 'two', 'two']);
      model.assertDone();
    },
    180_000,
  );

  it('works beside the old worker while both are there, as in a rolling deploy', async () => {
    const { old, run } = await startHalf();
    await stack.startWorkerProcess({ configPath: configOf('after'), env });
    openGate();
    const result = await run.result();
    expect(result.slice(0, 4)).toEqual(['true', 'A-1', 'true', 'B-2']);
    expectOnceEach(ran());
    await old.stop();
  }, 180_000);
});

function systemPrompts(model: ScriptedModel): string[] {
  return model.requests
    .filter(({ agent }) => agent === 'clerk')
    .map(({ messages }) => /Version (one|two)/.exec(JSON.stringify(messages[0]))?.[1] ?? 'none');
}
