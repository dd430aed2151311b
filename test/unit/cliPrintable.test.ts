import { describe, expect, it } from 'vitest';
import { printable } from '../../cli/output.js';
import { renderProgress } from '../../cli/renderProgress.js';
import { progressTree } from '../../core/progressTree.js';

const hostile = 'a\u001b]0;title\u0007b\u001b[2Jc\u009b1md\r\u0000\u007f';

describe('text of others', () => {
  it('reaches the terminal without control characters, but with its lines', () => {
    expect(printable(hostile)).toBe('a]0;titleb[2Jc1md');
    expect(printable('one\n\ttwo ₹ “three”')).toBe('one\n\ttwo ₹ “three”');
  });

  it('is harmless as the name of a step', () => {
    const step = {
      path: hostile,
      state: 'done' as const,
      attempts: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    };
    const [line = ''] = renderProgress(progressTree([step]), Date.parse(step.startedAt), process.stderr);
    expect(line).toContain('a]0;titleb[2Jc1md');
    expect(line).not.toContain('\u0007');
  });
});
