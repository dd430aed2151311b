/**
 * The main job, killed at its step boundaries: a seeded sample, or with SEGNO_CHAOS=full every boundary and every victim.
 * SEGNO_SEED=<n> repeats the sample of a run that printed it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSample } from '../../examples/investor-report/sample.js';
import { seedOfThisRun } from '../../testing/chaos.js';
import { type ChaosStack, startChaosStack, victims } from './chaosStack.js';
import { expectSurvived } from './expectSurvived.js';
import { full } from './inFull.js';
import {
  describePoint,
  type Job,
  type KillPoint,
  pointsOf,
  runAndKill,
  runInPeace,
  type SurvivedRun,
} from './killRun.js';
import { seeded } from './random.js';

let stack: ChaosStack;
let job: Job;
let clean: SurvivedRun;

beforeAll(async () => {
  stack = await startChaosStack();
  const document = await stack.client.putDocument(await buildSample(), 'application/pdf', {
    runId: 'chaos-input',
    name: 'report.pdf',
  });
  job = { workflow: 'investorReport', input: { document } };
  clean = await runInPeace(stack, job);
});
afterAll(() => stack?.close());

/** Each victim once, or everything. */
function drawPoints(seed: number): KillPoint[] {
  const random = seeded(seed);
  const all = pointsOf(clean.steps);
  if (full) return all;
  return victims.flatMap((victim) =>
    random.sample(
      all.filter((point) => point.victim === victim),
      1,
    ),
  );
}

describe('the main job', () => {
  it('completes undisturbed, each step once', () => {
    expect(clean.error).toBeUndefined();
    expect(clean.steps.filter(({ kind }) => kind === 'model').length).toBeGreaterThanOrEqual(6);
    expect(clean.steps.filter(({ kind }) => kind === 'tool').length).toBeGreaterThanOrEqual(4);
    expect(stack.model.seen).toHaveLength(clean.steps.filter(({ kind }) => kind === 'model').length);
    expectSurvived(clean, clean, stack.model);
  });

  it(
    full ? 'survives every victim at every boundary' : 'survives a sample of kills',
    async () => {
      const seed = seedOfThisRun();
      console.log(`SEGNO_SEED=${seed}`);
      for (const [index, point] of drawPoints(seed).entries()) {
        const what = `${index + 1}: ${describePoint(point)} (seed ${seed})`;
        const run = await runAndKill(stack, job, point).catch((error: unknown) => {
          throw new Error(`${what}\n${stack.notices()}`, { cause: error });
        });
        console.log(`${what}: over after ${run.tookMs} ms`);
        try {
          expectSurvived(run, clean, stack.model);
        } catch (error) {
          throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
        }
      }
    },
    full ? 3_600_000 : 240_000,
  );
});
