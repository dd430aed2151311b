import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostPatternLines, patternLines, type RunningPattern } from '../../core/patternLines.js';

const run = 'demo';
const at = (path: string, counts: Record<string, number> = {}, more: Partial<RunningPattern> = {}): RunningPattern => ({
  path,
  workflowId: run,
  pattern: 'parallel',
  counts,
  ...more,
});
const lines = (...patterns: RunningPattern[]): string[] =>
  patternLines(patterns, run).map(({ depth, label, text }) => `${'  '.repeat(depth)}${label}: ${text}`);

describe('patterns under way', () => {
  it('stand in the pattern they are in, with what is done and left', () => {
    expect(
      lines(
        at('parallel#1/legal/refine#2', { round: 2, of: 3 }),
        at('parallel#1', { completed: 2, failed: 0, running: 1, pending: 3 }),
        at('parallel#1/legal/refine#2/round#2/dag#1', { running: 1 }, { steps: { a: 'completed', b: 'running' } }),
        at('parallel#10', { running: 1 }),
      ),
    ).toEqual([
      'parallel: 2 completed · 1 running · 3 pending',
      '  legal / refine 2: round 2 of 3',
      '    round 2 / dag: 1 running  running: b',
      'parallel 10: 1 running',
    ]);
  });

  it('say what they wait for', () => {
    expect(
      lines(
        at('event/paid#1', {}, { waitsFor: 'the event paid, until 2027' }),
        at('every#1', { round: 2, of: 3 }, { waitsFor: 'noon' }),
      ),
    ).toEqual(['event / paid: waits for the event paid, until 2027', 'every: round 2 of 3 · waits for noon']);
  });

  it('of child workflows come after the run’s own, with the child’s id', () => {
    const child = { workflowId: 'child-1' };
    expect(lines(at('a#1', {}, child), at('a#1/x/b#1', {}, child), at('z#1'))).toEqual([
      'z: ',
      'child-1: a: ',
      '  x / b: ',
    ]);
  });

  it('name only a few of many running steps', () => {
    const steps = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`s${index}`, 'running']));
    expect(lines(at('dag#1', {}, { steps }))).toEqual(['dag: running: s0, s1, s2, s3, s4, and 3 more']);
  });

  it('are a bounded number of lines, whatever a workflow says', () => {
    const path = fc.array(fc.constantFrom('a#1', 'b%2Fc#2', '100%', '#', 'é'), { minLength: 1, maxLength: 6 });
    const pattern = fc.record({
      path: path.map((segments) => segments.join('/')),
      workflowId: fc.constantFrom(run, 'child'),
      pattern: fc.constant('dag'),
      counts: fc.dictionary(fc.string(), fc.nat()),
    });
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 60 }), (patterns) => {
        const shown = patternLines(patterns, run);
        expect(shown.length).toBe(Math.min(patterns.length, mostPatternLines));
        if (patterns.length > mostPatternLines)
          expect(shown.at(-1)?.label).toBe(`… and ${patterns.length - mostPatternLines + 1} more`);
      }),
    );
  });
});
