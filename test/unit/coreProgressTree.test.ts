import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProgressStep } from '../../core/progressStep.js';
import { type ProgressNode, progressTree } from '../../core/progressTree.js';

const step = (path: string, over: Partial<ProgressStep> = {}): ProgressStep => ({
  path,
  state: 'done',
  attempts: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:01.000Z',
  usage: { inputTokens: 1, outputTokens: 2, costUsd: 0.5 },
  ...over,
});

const outline = (nodes: readonly ProgressNode[]): unknown[] =>
  nodes.map(({ label, children }) => (children.length === 0 ? label : [label, outline(children)]));

describe('a run’s progress', () => {
  it('is the tree of its paths, in the order in which steps began, without what says nothing', () => {
    const paths = [
      'readDocument#1',
      'factExtractor#1/turn#1',
      'parallel#1/risks/analyst#1/turn#1',
      'parallel#1/risks/analyst#1/turn#1/search#1',
      'parallel#1/risks/analyst#1/turn#2',
      'parallel#1/trends/analyst#1/turn#1',
      'analyst#2/turn#1',
    ];
    expect(outline(progressTree(paths.map((path) => step(path))))).toEqual([
      'readDocument',
      'factExtractor',
      [
        'parallel',
        [
          ['risks', [['analyst', [['turn', ['search']], 'turn 2']]]],
          ['trends', ['analyst']],
        ],
      ],
      'analyst 2',
    ]);
  });

  it('shows a branch’s own name, whatever is in it', () => {
    const [parallel] = progressTree([step('parallel#1/50%25 %2F half/note#1'), step('parallel#1/50% off/note#1')]);
    expect(parallel?.children.map(({ label }) => label)).toEqual(['50% / half', '50% off']);
  });

  it('is in the state that matters most below it', () => {
    const state = (...states: ProgressStep['state'][]) =>
      progressTree(states.map((each, index) => step(`p#1/s#${index + 1}`, { state: each })))[0]?.state;
    expect(state('done', 'done')).toBe('done');
    expect(state('done', 'failed')).toBe('failed');
    expect(state('failed', 'unknown')).toBe('unknown');
    expect(state('unknown', 'sent')).toBe('running');
  });

  it('says retrying of a retryable failure, and failed once the run has ended', () => {
    const retryable = { type: 'Model.ServerError', message: 'x', retryable: true };
    const steps = [
      step('a#1', { state: 'failed', error: retryable }),
      step('b#1', { state: 'sent', finishedAt: undefined }),
    ];
    expect(progressTree(steps).map(({ state }) => state)).toEqual(['retrying', 'running']);
    expect(progressTree(steps, 'failed').map(({ state }) => state)).toEqual(['failed', 'failed']);
    expect(progressTree(steps).map(({ finishedAtMs }) => finishedAtMs)).toEqual([undefined, undefined]);
  });

  it('shows what failed in a completed run at the step alone, not at what took care of it', () => {
    const failed = step('withFallback#1/first/risky#1', {
      state: 'failed',
      error: { type: 'Tool.Failed', message: 'x', retryable: false },
    });
    const steps = [failed, step('withFallback#1/fallback/safe#1')];
    const [pattern] = progressTree(steps, 'completed');
    expect(pattern).toMatchObject({ state: 'done', error: undefined });
    expect(pattern?.children[0]?.children[0]).toMatchObject({ label: 'risky', state: 'failed' });
    expect(progressTree(steps, 'failed')[0]?.state).toBe('failed');
  });

  it('has one node for all the items of a map, with their numbers', () => {
    const map = {
      path: 'mapReduce#1/map',
      items: 100_000,
      done: 40_000,
      running: 64,
      failed: 3,
      unknown: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      usage: { inputTokens: 5, outputTokens: 6, costUsd: 0.1 },
      error: { type: 'Tool.Failed', message: 'no', retryable: false },
    };
    const [running] = progressTree([], 'running', [map]);
    expect(running).toMatchObject({ label: 'mapReduce', state: 'running', inputTokens: 5 });
    expect(running?.children).toMatchObject([
      { label: 'map', items: { of: 100_000, done: 40_000, failed: 4 }, error: { type: 'Tool.Failed' } },
    ]);
    const ended = { ...map, done: 99_996, running: 0 };
    expect(progressTree([], 'running', [ended])[0]?.state).toBe('unknown');
    expect(progressTree([], 'running', [{ ...ended, unknown: 0, done: 99_997 }])[0]?.state).toBe('failed');
    expect(progressTree([], 'running', [{ ...ended, unknown: 0, failed: 0, done: 100_000 }])[0]?.state).toBe('done');
  });

  it('shows maps and steps in the order in which they began', () => {
    const at = (second: number): { startedAt: string } => ({ startedAt: `2026-11-20T10:00:0${second}.000Z` });
    const map = { items: 1, done: 1, running: 0, failed: 0, unknown: 0, usage: step('x').usage };
    const maps = [
      { ...map, path: 'mapReduce#1/map', ...at(2) },
      { ...map, path: 'mapReduce#2/map', ...at(4) },
    ];
    const steps = [step('read#1', at(1)), step('check#1', at(3)), step('mapReduce#2/reduce#1', at(5))];
    expect(progressTree(steps, 'failed', maps).map(({ label }) => label)).toEqual([
      'read',
      'mapReduce',
      'check',
      'mapReduce 2',
    ]);
  });

  it('shows calls that wait at the gate: before their first attempt, between two, and as items of a map', () => {
    const wait = (path: string) => ({
      path,
      waitsFor: 'tokens at model/p/m',
      since: '2026-01-01T00:00:05.000Z',
      others: 1,
    });
    const usage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };
    const map = { items: 9, done: 1, running: 0, failed: 0, unknown: 0, usage, startedAt: '2026-01-01T00:00:00.000Z' };
    const failed = step('b#1/turn#1', {
      state: 'failed',
      error: { type: 'Model.RateLimited', message: 'x', retryable: true },
    });
    const waiting = [wait('a#1/turn#1'), wait('b#1/turn#1'), wait('mapReduce#1/map/3/a#1/turn#1')];
    const [b, mapped, a] = progressTree([failed], 'running', [{ ...map, path: 'mapReduce#1/map' }], waiting);
    expect(b).toMatchObject({ label: 'b', state: 'running', waits: waiting[1], step: failed, inputTokens: 1 });
    expect(b?.startedAtMs).toBe(Date.parse(failed.startedAt));
    expect(mapped?.children).toMatchObject([{ label: 'map', state: 'running', waits: waiting[2], children: [] }]);
    expect(a).toMatchObject({ label: 'a', state: 'running', waits: waiting[0], finishedAtMs: undefined, children: [] });
  });

  it('shows fifty nodes side by side, and the others as one', () => {
    const steps = Array.from({ length: 10_000 }, (_, index) => step(`parallel#1/${index}/note#1`));
    const [parallel] = progressTree(steps);
    expect(parallel?.children).toHaveLength(51);
    expect(parallel?.children.at(-1)).toMatchObject({ label: '… and 9950 more', inputTokens: 9_950, state: 'done' });
  });

  const segment = fc.constantFrom('a#1', 'a#2', 'turn#1', 'turn#2', 'risks', '50%25', '%', '%zz', 'ü#1');
  const anyStep = fc.record({
    path: fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/')),
    state: fc.constantFrom<ProgressStep['state']>('reserved', 'sent', 'done', 'failed', 'unknown'),
    attempts: fc.nat(5),
    tokens: fc.nat(1_000),
  });
  const anySteps = fc
    .uniqueArray(anyStep, { selector: ({ path }) => path, maxLength: 30 })
    .map((steps) =>
      steps.map(({ path, state, attempts, tokens }) =>
        step(path, { state, attempts, usage: { inputTokens: tokens, outputTokens: 2 * tokens, costUsd: tokens } }),
      ),
    );
  const walk = (nodes: readonly ProgressNode[]): ProgressNode[] =>
    nodes.flatMap((each) => [each, ...walk(each.children)]);

  it('loses no usage: the roots’ sum is the steps’, and no node has less than its children', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const roots = progressTree(steps);
        const sum = (of: readonly { inputTokens: number }[]) =>
          of.reduce((all, { inputTokens }) => all + inputTokens, 0);
        expect(sum(roots)).toBe(sum(steps.map(({ usage }) => usage)));
        for (const each of walk(roots)) expect(each.inputTokens).toBeGreaterThanOrEqual(sum(each.children));
      }),
    );
  });

  it('shows no path twice, and below a node only what belongs to it', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const nodes = walk(progressTree(steps));
        expect(new Set(nodes.map(({ path }) => path)).size).toBe(nodes.length);
        for (const { path, children } of nodes)
          for (const child of children) expect(child.path.startsWith(`${path}/`)).toBe(true);
      }),
    );
  });

  it('is done only if everything below is', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        for (const root of progressTree(steps)) {
          const below = steps.filter(({ path }) => path === root.path || path.startsWith(`${root.path}/`));
          expect(root.state === 'done').toBe(below.every(({ state }) => state === 'done'));
        }
      }),
    );
  });
});
