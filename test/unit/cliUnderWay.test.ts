import { describe, expect, it } from 'vitest';
import { renderUnderWay } from '../../cli/renderUnderWay.js';
import type { RunningPattern } from '../../core/patternLines.js';

const waitFor = (event: RunningPattern['event'], workflowId = 'demo'): RunningPattern => ({
  ...{ path: `event/${event!.name}#1`, workflowId, pattern: 'waitForEvent', counts: {} },
  ...{ waitsFor: 'an event', event: event! },
});

describe('a run that waits for events', () => {
  it('says what to type, for the execution that waits', () => {
    const patterns = [
      waitFor({ name: 'paid', key: "order'17", data: true }),
      waitFor({ name: 'shipped', data: false }, 'demo/child'),
    ];
    expect(renderUnderWay({ id: 'demo', patterns }, process.stderr)).toEqual([
      'event / paid                 waits for an event',
      'demo/child: event / shipped  waits for an event',
      "  segno event demo paid --key 'order'\\''17' --data DATA",
      '  segno event demo/child shipped',
    ]);
  });

  it('says so for the first ten', () => {
    const patterns = Array.from({ length: 50 }, (_, index) => waitFor({ name: `e${index}`, data: false }));
    const lines = renderUnderWay({ id: 'demo', patterns }, process.stderr);
    expect(lines.filter((line) => line.startsWith('  segno event'))).toHaveLength(10);
    expect(lines.at(-1)).toBe('… and 40 more events');
  });
});
