import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type SegnoError } from '../../../core/errors.js';
import { aCase, usePatternsStack } from './patternsStack.js';
import type { CountState } from './project/loopWorkflow.js';
import { notesOf } from './project/tools.js';

/** Temporal refuses to end an execution for which a signal came in meanwhile: a flood would let none go on in a further one. */
const signalEveryMs = 20;
const signals = 100;

const stack = usePatternsStack();
const state = (more: Partial<CountState> = {}): CountState => ({
  version: 1,
  case: aCase(),
  upTo: 1,
  sum: 0,
  stepsPerRound: 1,
  waiting: [],
  ...more,
});

describe('a loop', () => {
  it('goes on in further executions, loses no signal, and runs no round twice', async () => {
    const end = 1_000_000;
    const input = state({ upTo: end, stepsPerRound: 20 });
    const run = await stack().client.start<{ sum: number; rounds: number }>('count', input);
    const handle = stack().client.temporal.workflow.getHandle(run.id);
    const executions = new Set([run.runId]);
    const look = async (): Promise<unknown> => executions.add((await handle.describe()).runId);
    let sent = 0;
    for (; sent < signals; sent += 1) {
      await handle.signal('add', 1);
      await delay(signalEveryMs);
      if (sent % 4 === 0) await look();
    }
    for (; executions.size < 3; await look()) await delay(100);
    await handle.signal('add', end);
    const { sum, rounds } = await run.result();
    expect(sum).toBe(end + sent);
    const { historyLength } = await handle.describe();
    expect(historyLength).toBeLessThan(2_000);
    expect(notesOf(input.case)).toEqual(
      Array.from({ length: rounds * 20 }, (_, step) => `round ${Math.floor(step / 20) + 1}`),
    );
  });

  it('waits between rounds', async () => {
    const input = state({ delayMs: 50 });
    const run = await stack().client.start<{ rounds: number }>('count', input);
    await vi.waitFor(() => expect(notesOf(input.case)).toContain('round 2'), { timeout: 30_000 });
    const handle = stack().client.temporal.workflow.getHandle(run.id);
    await handle.signal('add', 1);
    const { rounds } = await run.result();
    const { events } = await handle.fetchHistory();
    const delays = (events ?? [])
      .map(({ timerStartedEventAttributes }) => timerStartedEventAttributes?.startToFireTimeout?.nanos)
      .filter((nanos) => nanos === 50_000_000);
    expect(delays).toHaveLength(rounds - 1);
  });

  const failureOf = async (input: CountState): Promise<SegnoError> => {
    const run = await stack().client.start('count', input);
    return (await run.result().catch((error: unknown) => error)) as SegnoError;
  };

  it('ends after its last round', async () => {
    expect(await failureOf(state({ maxRounds: 3 }))).toMatchObject({ type: 'Pattern.RoundLimit' });
  });

  it('refuses to stand inside another pattern', async () => {
    const failure = await failureOf(state({ nested: true }));
    expect(failure).toMatchObject({ type: 'Pattern.InvalidSteps' });
    expect(failure.message).toContain('child workflow');
  });

  it('refuses a state that JSON does not carry as soon as it is there', async () => {
    expect(await failureOf(state({ lost: true }))).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message: 'loop: state.seen is a Map, which JSON does not carry',
    });
  });

  it('refuses a state that is too large to be carried', async () => {
    const failure = await failureOf(state({ waiting: Array.from({ length: 300_000 }, () => 1_000) }));
    expect(failure.message).toContain('of at most 1000000');
  });

  it('ends when it is cancelled', async () => {
    const run = await stack().client.start('count', state({ upTo: 1_000, delayMs: 10 }));
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
  });
});
