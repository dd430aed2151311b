/**
 * Random compositions of all patterns, with random failures, limits and cancellations: each ends, none hangs, each replays.
 *
 * SEGNO_SEED=<n> draws others; without it they are the same in each run, and only their timing differs.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isErrorType, type SegnoError } from '../../../core/errors.js';
import { recordRun } from '../../../testing/recordRun.js';
import { type HistoryDriftError, replayAll, replayHistory } from '../../../testing/replayHistory.js';
import { bundleWorkflows } from '../../../workers/bundleWorkflows.js';
import { seeded } from '../../chaos/random.js';
import { aCase, usePatternsStack } from './patternsStack.js';
import { randomSpecs } from './project/randomSpec.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const count = 80;
const atOnce = 6;
/** Of the whole composition; what is in it must be over soon after. */
const limitMs = 3_000;
const graceMs = 45_000;

interface End {
  spec: Spec;
  outcome: string;
}

/**
 * Whether a workflow task took so long that the SDK asked for more time, or lost it: quick steps that end around that moment may
 * come in another order in a replay (docs/durability.md, Limits). It takes a machine with far too much to do.
 */
function hadNoTime(dir: string): boolean {
  const { events } = JSON.parse(readFileSync(join(dir, 'history.json'), 'utf8')) as { events: HistoryEvent[] };
  const startedMs = new Map<string, number>();
  return events.some(({ eventId, eventType, eventTime, workflowTaskCompletedEventAttributes: completed }) => {
    if (eventType === 'EVENT_TYPE_WORKFLOW_TASK_STARTED') startedMs.set(eventId, Date.parse(eventTime));
    if (/WORKFLOW_TASK_(TIMED_OUT|FAILED)/u.test(eventType)) return true;
    return completed !== undefined && Date.parse(eventTime) - startedMs.get(completed.startedEventId)! > 600;
  });
}

interface HistoryEvent {
  eventId: string;
  eventType: string;
  eventTime: string;
  workflowTaskCompletedEventAttributes?: { startedEventId: string };
}

describe('quick steps', () => {
  it('are handed on in a replay one by one, as they ended', async () => {
    const napsMs = [200, 100, 10, 50];
    const run = await stack().client.start<string>('inOrder', { case: aCase(), napsMs });
    // Which ends first is up to the machine; what follows from an end comes before the next.
    expect(await run.result()).toMatch(/^(?:(\d+) ended, \1 followed(?:, |$)){4}$/u);
    const dir = mkdtempSync(join(tmpdir(), 'segno-order-'));
    await recordRun(stack().client, run.id, { dir });
    await replayHistory({ workflows: new URL('./project/workflow.ts', import.meta.url).href, dir });
    rmSync(dir, { recursive: true });
  });
});

describe('random compositions of patterns', () => {
  it('end, with a failure of a registered type if with one, and replay', { timeout: 300_000 }, async () => {
    const seed = Number(process.env['SEGNO_SEED'] ?? 1);
    console.log(`SEGNO_SEED=${seed}`);
    const specs = randomSpecs(seed, count);
    const dir = mkdtempSync(join(tmpdir(), 'segno-compositions-'));
    const ends: End[] = [];
    const random = seeded(seed);
    const cancelAfterMs = specs.map(() => random.next() * 400);

    const runOne = async (spec: Spec, index: number): Promise<void> => {
      const run = await stack().start({ do: 'timeout', timeout: limitMs, body: spec });
      // It may come before its wait, or when all is over.
      const paid = delay(index * 5).then(() => stack().client.sendEvent(run.id, 'paid'));
      const sent = paid.catch(() => undefined);
      if (index % 3 === 2) {
        await delay(cancelAfterMs[index]);
        await run.cancel();
      }
      const late = setTimeout(
        () => void stack().client.temporal.workflow.getHandle(run.id).terminate('hangs'),
        limitMs + graceMs,
      );
      const outcome = await run.result().then(
        () => 'completed',
        (error: SegnoError) => (isErrorType(error.type) ? error.type : String(error)),
      );
      clearTimeout(late);
      await sent;
      ends.push({ spec, outcome });
      await recordRun(stack().client, run.id, { dir: join(dir, String(index)) });
    };
    const waiting = specs.entries();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const [index, spec] of waiting) await runOne(spec, index);
      }),
    );

    const expected = [
      'completed',
      'Tool.Failed',
      'Step.DeadlineExceeded',
      'Step.Skipped',
      'Run.Cancelled',
      'Pattern.TooFew',
      'Approval.Expired',
      'Event.Expired',
      'Decision.InvalidVote',
    ];
    expect(ends.filter(({ outcome }) => !expected.includes(outcome))).toEqual([]);
    const outcomes = new Set(ends.map(({ outcome }) => outcome));
    expect([...outcomes]).toEqual(expect.arrayContaining(['completed', 'Tool.Failed', 'Run.Cancelled']));
    const workflowBundle = await bundleWorkflows([fileURLToPath(new URL('./project/workflow.ts', import.meta.url))]);
    const drifts = await replayAll({ workflowBundle, dir }).then(
      () => [],
      (thrown: AggregateError) => thrown.errors as HistoryDriftError[],
    );
    // Without a cause it is a step that the ledger has and the history does not: its workflow task came to nothing.
    expect(drifts.filter((drift) => drift.cause !== undefined && !hadNoTime(drift.dir))).toEqual([]);
    rmSync(dir, { recursive: true });
  });
});
