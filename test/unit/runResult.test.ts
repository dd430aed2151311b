import { describe, expect, it } from 'vitest';
import { shortfall } from '../../cli/commands/run.js';

describe('what segno run says beside “Completed”', () => {
  it.each([
    [{ status: 'partial' }, 'partial'],
    [
      { status: 'partial', failedStep: 'publish', error: { type: 'Tool.Failed', message: 'otto may not\nreally' } },
      'partial at publish: Tool.Failed: otto may not',
    ],
    [{ status: 'failed', error: { type: 'Pattern.TooFew' } }, 'failed: Pattern.TooFew'],
  ])('is what %j lacks', (result, said) => {
    expect(shortfall(result)).toBe(said);
  });

  it.each([undefined, null, 'failed', 3, [], {}, { status: 'completed' }, { status: 1 }])(
    'is nothing for %j',
    (result) => {
      expect(shortfall(result)).toBeUndefined();
    },
  );
});
