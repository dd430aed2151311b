/**
 * Two workers share runs, and one of them is killed at a drawn moment: every run completes, or says which effect nobody can know of;
 * effects that may happen once happened once at most, and the books are the model server's, or more by what the dead one lost.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import { seedOfThisRun } from '../../../testing/chaos.js';
import { json, scriptedModel, type ScriptedModel, type WorkerProcess } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { effectsOf } from '../../chaos/killRun.js';
import { seeded } from '../../chaos/random.js';
import { readRun } from '../../chaos/readRun.js';
import { expectBooks } from './expectBooks.js';

const startTimeoutMs = 180_000;
const kills = 12;
const runsAtOnce = 12;
const configPath = join(import.meta.dirname, '../../chaos/project/segno.config.ts');

let dir: string;
let model: ScriptedModel;
let stack: TestStack;
let workers: WorkerProcess[];
const startWorker = (): Promise<WorkerProcess> =>
  stack.startWorkerProcess({ configPath, env: { SEGNO_CHAOS_DIR: dir, SEGNO_METRICS_PORT: 'off' } });

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

export function testTwoWorkers(): void {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'segno-workers-'));
    mkdirSync(join(dir, 'gates'));
    model = await scriptedModel(() => json({ summary: 'It was booked.' }), { latencyMs: 150 });
    stack = await startTestStack({
      workflows: join(import.meta.dirname, '../../chaos/project/workflow.ts'),
      worker: false,
      model,
    });
    workers = await Promise.all([startWorker(), startWorker()]);
  }, startTimeoutMs);
  afterAll(async () => {
    await stack?.close();
    await model?.close();
    rmSync(dir, { recursive: true, force: true });
  }, startTimeoutMs);

  it(
    'one of two workers that is killed at random costs no effect and no token twice',
    async () => {
      const seed = seedOfThisRun();
      console.log(`SEGNO_SEED=${seed}`);
      const random = seeded(seed);
      for (let kill = 0; kill < kills; kill += 1) {
        const before = model.requests.length;
        const starts = Array.from({ length: runsAtOnce }, () =>
          stack.client.start('order', { item: 'kettle' } as never),
        );
        const moment = before + Math.floor(random.next() * runsAtOnce);
        await expect.poll(() => model.requests.length, { timeout: 60_000, interval: 5 }).toBeGreaterThanOrEqual(moment);
        const victim = random.next() < 0.5 ? 0 : 1;
        await workers[victim]!.kill();
        const killedMs = Date.now();
        if (kill + 1 < kills) workers[victim] = await startWorker();
        for (const run of await Promise.all(starts)) await expectKept(run.runId, run.result());
        console.log(
          `${kill + 1}: worker ${victim} killed after ${moment - before} requests, over after ${Date.now() - killedMs} ms`,
        );
      }
    },
    kills * 60_000 + 60_000,
  );
}

async function expectKept(runId: string, result: Promise<unknown>): Promise<void> {
  const error = await result.then(
    () => undefined,
    (reason: unknown) => reason as SegnoError,
  );
  const steps = await readRun(stack.ledger, runId);
  const states = Object.fromEntries(steps.map(({ name, state }) => [name, state]));
  if (error) expect([error.type, states['mailItem']], runId).toEqual(['Tool.OutcomeUnknown', 'unknown']);
  else expect(new Set(Object.values(states)), runId).toEqual(new Set(['done']));
  const notes = effectsOf(dir).filter(({ key, phase }) => phase === 'effect' && key.startsWith(`${runId}/`));
  const keysOf = (tool: string): string[] => notes.filter((one) => one.tool === tool).map(({ key }) => key);
  expect(new Set(keysOf('bookItem')).size, 'bookings by key').toBe(1);
  expect(keysOf('mailItem').length, 'mails').toBeLessThanOrEqual(1);
  if (!error) expect(keysOf('mailItem').length, 'mails').toBe(1);
  expectBooks(runId, steps, model);
  // An attempt the dead worker had begun is lost, and never done twice.
  for (const { attempts, path } of steps)
    expect(sum(attempts.map(({ state }) => (state === 'done' ? 1 : 0))), path).toBeLessThanOrEqual(1);
}
