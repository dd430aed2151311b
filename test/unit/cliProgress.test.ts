import { describe, expect, it } from 'vitest';
import { renderProgress } from '../../cli/renderProgress.js';
import type { ProgressStep, ProgressWait } from '../../core/progressStep.js';
import { progressTree } from '../../core/progressTree.js';

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const usage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };
const done: ProgressStep = {
  path: 'writer#1/turn#1',
  state: 'done',
  attempts: 1,
  startedAt: at(0),
  finishedAt: at(13),
  usage,
};

const shown = (steps: readonly ProgressStep[], waiting: readonly ProgressWait[] = [], tries = false): string[] =>
  renderProgress(progressTree(steps, 'running', [], waiting), Date.parse(at(37)), process.stderr, { tries });

describe('the line of a step', () => {
  it('says how long it waited and for what, and which models did not answer and why', () => {
    const waited = { waitedMs: 3_200, waitedFor: ['tokens at model/p/m'] };
    const moved = { fallbackFrom: [{ alias: 'default', for: 'outage' }], degradedTo: 50 };
    expect(shown([{ ...done, ...waited, ...moved }])).toEqual([
      '✓ writer    13.0 s  waited 3.2 s for tokens at model/p/m  instead of default (outage)  cut to 50 output tokens (budget)',
    ]);
  });

  it('names two of many reasons', () => {
    const waitedFor = ['tokens at a', 'tokens at b', 'tokens at c', 'tokens at d'];
    expect(shown([{ ...done, waitedMs: 1_000, waitedFor }])[0]).toMatch(
      /waited 1.0 s for tokens at a, tokens at b and 2 more$/,
    );
  });

  it('says what a call waits for, since when and beside whom', () => {
    const wait = { path: done.path, waitsFor: 'concurrency at model/p/m', since: at(0), others: 12 };
    expect(shown([], [wait])).toEqual([
      '● writer    37.0 s  waits 37.0 s for concurrency at model/p/m, with 12 others',
    ]);
    expect(shown([], [{ ...wait, others: 0 }])[0]).toMatch(/at model\/p\/m$/);
  });

  it('lists its attempts when asked', () => {
    const error = { type: 'Model.RateLimited', message: 'x', retryable: true };
    const tries = [
      { state: 'failed', startedAt: at(0), durationMs: 33, alias: 'default', error },
      {
        state: 'done',
        startedAt: at(13),
        durationMs: 12,
        alias: 'small',
        waitedMs: 500,
        waitedFor: 'cost at model/p/m',
      },
    ];
    const step = { ...done, attempts: 2, tries };
    const [line, ...lines] = shown([step], [], true);
    expect(line).toBe('✓ writer        13.0 s  2 attempts');
    expect(lines).toEqual([
      '   1 default     33 ms  Model.RateLimited',
      '   2 small       12 ms  after 13.0 s  waited 500 ms for cost at model/p/m  done',
    ]);
    expect(shown([step])).toHaveLength(1);
  });
});
