/**
 * What must hold after every kill.
 *
 * Invariants checked:
 * 1. The run completed with the undisturbed run's result, through the same steps with the same results.
 * 2. Every step is done, by exactly one attempt. No attempt began after it; no request reached the model after it.
 * 3. Every request the model got belongs to an attempt that the ledger knew of before.
 * 4. The usage of an attempt is what the model counted; only an attempt that was cut has an estimate, its upper bound, and
 *    that is no less than what the model counted.
 * 5. Only the killed worker leaves attempts behind; and a tool that reads or writes documents itself, while the ledger is down.
 */
import { expect } from 'vitest';
import type { SurvivedRun } from './killRun.js';
import type { ModelServer } from './modelServer.js';
import type { AttemptRecord, StepRecord } from './readRun.js';

export function expectSurvived(run: SurvivedRun, clean: SurvivedRun, model: ModelServer): void {
  expect(run.error, 'the run completes').toBeUndefined();
  expect(run.result).toEqual(clean.result);
  expect(resultsOf(run.steps)).toEqual(resultsOf(clean.steps));
  for (const step of run.steps) {
    expectDoneOnce(step);
    if (step.kind === 'model') expectPaidOnce(step, model);
  }
  expectOnlyCutAttemptsLost(run);
  expectRequestsKnown(run, model);
}

/** Branches begin in any order. */
function resultsOf(steps: readonly StepRecord[]): Record<string, unknown> {
  return Object.fromEntries(steps.map(({ path, state, resultHash }) => [path, `${state} ${resultHash}`]));
}

function expectDoneOnce(step: StepRecord): void {
  const { path, attempts, finishedAt } = step;
  if (step.safety === 'pure' && attempts.length === 0) return;
  expect(
    attempts.filter(({ state }) => state === 'done').map(({ epoch }) => epoch),
    `${path} is done by its last attempt alone`,
  ).toEqual([step.epoch]);
  for (const { startedAt, epoch } of attempts)
    expect(startedAt.getTime(), `attempt ${epoch} of ${path} began before it was done`).toBeLessThanOrEqual(
      finishedAt!.getTime(),
    );
}

function expectPaidOnce({ key, path, attempts, finishedAt }: StepRecord, model: ModelServer): void {
  const { byKey } = model.stats();
  for (const attempt of attempts) {
    const what = `attempt ${attempt.epoch} of ${path}`;
    const served = byKey[`${key}#${attempt.epoch}`];
    const { inputTokens, outputTokens } = attempt;
    if (attempt.estimated) {
      expect(attempt.state, `${what} was cut`).toMatch(/^(lost|failed|fenced)$/);
      expect([inputTokens, outputTokens], `${what} counts with its upper bound`).toEqual([
        attempt.upperInputTokens,
        attempt.upperOutputTokens,
      ]);
      expect(inputTokens).toBeGreaterThanOrEqual(served?.promptTokens ?? 0);
      expect(outputTokens).toBeGreaterThanOrEqual(served?.completionTokens ?? 0);
      continue;
    }
    expect({ inputTokens, outputTokens }, `${what} costs what the model counted`).toEqual({
      inputTokens: served?.promptTokens,
      outputTokens: served?.completionTokens,
    });
  }
  for (const { key: request, atMs } of model.seen.filter((seen) => seen.key.startsWith(`${key}#`)))
    expect(atMs, `${request} came before the step was done`).toBeLessThanOrEqual(finishedAt!.getTime());
}

function expectOnlyCutAttemptsLost({ steps, dead }: SurvivedRun): void {
  const unfinished = steps.flatMap(({ path, attempts }) =>
    attempts.filter(({ state }) => state !== 'done').map((attempt) => ({ path, ...attempt })),
  );
  const survivors = unfinished.filter(({ owner, errorType }) => owner !== dead && errorType !== 'Ledger.Unavailable');
  expect(survivors.map(describeAttempt), 'only the killed worker left attempts behind').toEqual([]);
  const perStep = new Set(unfinished.map(({ path }) => path));
  expect(perStep.size, 'at most one cut attempt a step').toBe(unfinished.length);
}

function expectRequestsKnown({ runId, steps }: SurvivedRun, model: ModelServer): void {
  const known = new Set(steps.flatMap(({ key, attempts }) => attempts.map(({ epoch }) => `${key}#${epoch}`)));
  const requests = model.seen.map(({ key }) => key).filter((key) => key.startsWith(`${runId}/`));
  expect(
    requests.filter((key) => !known.has(key)),
    'every request is an attempt of the ledger',
  ).toEqual([]);
  expect(new Set(requests).size, 'an attempt asks once').toBe(requests.length);
}

function describeAttempt({ path, epoch, state, owner }: AttemptRecord & { path: string }): string {
  return `${path} epoch ${epoch} ${state} by ${owner}`;
}
