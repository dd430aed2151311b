import { describe, expect, it } from 'vitest';
import { compileMandate } from '../../core/mandate.js';
import { addressed, isPingPong, onlyPair, waitCycle } from '../../core/peers.js';

describe('ping-pong', () => {
  it('is two who have had it back from each other so many times', () => {
    expect(isPingPong(['a', 'b', 'a', 'b'], 1)).toBe(false);
    expect(isPingPong(['a', 'b', 'a', 'b', 'a'], 1)).toBe(true);
    expect(isPingPong(['c', 'a', 'b', 'a', 'b', 'a'], 1)).toBe(true);
    expect(isPingPong(['a', 'b', 'a', 'b', 'a'], 2)).toBe(false);
  });

  it('is not a round of three, nor one who keeps it', () => {
    expect(isPingPong(['a', 'b', 'c', 'a', 'b', 'c', 'a'], 1)).toBe(false);
    expect(isPingPong(['a', 'a', 'a', 'a', 'a'], 1)).toBe(false);
    expect(isPingPong([], 1)).toBe(false);
  });

  it('is in a mesh two who alone write, and only to each other', () => {
    const [ab, ba, ac] = [
      [{ from: 'a', to: 'b', text: '' }],
      [{ from: 'b', to: 'a', text: '' }],
      [{ from: 'a', to: 'c', text: '' }],
    ];
    expect(onlyPair([ab, ba, ab], 3)).toEqual(['a', 'b']);
    expect(onlyPair([ac, ab, ba], 2)).toEqual(['a', 'b']);
    expect(onlyPair([ab, ac, ba], 3)).toBeUndefined();
    expect(onlyPair([ab, [], ba], 3)).toBeUndefined();
    expect(onlyPair([ab], 3)).toBeUndefined();
  });

  it('is seen not to be, where many write, without reading all that they wrote', () => {
    let read = 0;
    const to = (name: string) => ({
      get from() {
        read += 1;
        return 'a';
      },
      ...{ to: name, text: '' },
    });
    const crowd = Array.from({ length: 100 }, () => Array.from({ length: 100 }, (_, index) => to(`peer${index}`)));
    expect(onlyPair(crowd, 100)).toBeUndefined();
    expect(read).toBeLessThan(10);
  });
});

describe('waiting in a circle', () => {
  it('is found, whoever is asked first', () => {
    expect(waitCycle({ a: ['b'], b: ['c'], c: ['b'] })).toEqual(['b', 'c']);
    expect(waitCycle({ a: ['a'] })).toEqual(['a']);
  });

  it('is not waiting for somebody who waits for nobody', () => {
    expect(waitCycle({ a: ['b', 'c'], b: ['c'], c: [] })).toBeUndefined();
    expect(waitCycle({ a: ['gone'] })).toBeUndefined();
    expect(waitCycle({})).toBeUndefined();
  });
});

describe('mail', () => {
  it('to all goes to each of the others', () => {
    const { mail, faults } = addressed('a', [{ to: 'all', text: 'hi' }], { others: ['b', 'c'], most: 5 });
    expect(mail.map(({ to }) => to)).toEqual(['b', 'c']);
    expect(faults).toEqual([]);
  });

  it('to nobody, or beyond what one may send, is told to its sender', () => {
    const messages = [
      { to: 'gone', text: '1' },
      { to: 'b', text: '2' },
      { to: 'b', text: '3' },
    ];
    const { mail, faults } = addressed('a', messages, { others: ['b'], most: 2 });
    expect(mail).toEqual([{ from: 'a', to: 'b', text: '2' }]);
    expect(faults).toEqual(['gone is not here; there are: b', '1 messages were not delivered: at most 2 in a turn']);
  });
});

describe('a mandate', () => {
  const asked = (expression: string, decision: unknown): unknown => {
    const mandate = compileMandate(expression);
    return 'faults' in mandate ? mandate.faults : mandate({ decision, task: 'task' });
  };

  it('covers what its expression is true of', () => {
    expect(asked('decision.cost <= 100 && !("pay" in decision.tools)', { cost: 100, tools: [] })).toEqual({
      within: true,
    });
    expect(asked('decision.cost <= 100', { cost: 101 })).toMatchObject({ exceeds: expect.stringContaining('<= 100') });
  });

  it('does not cover what it cannot be asked about', () => {
    for (const decision of [{}, null, 'all', { cost: 'none' }, { cost: null }]) {
      expect(asked('decision.cost <= 100', decision)).toHaveProperty('exceeds');
    }
  });

  it('is refused when it is none', () => {
    expect(asked('decision.cost <=', {})).toEqual([expect.any(String)]);
    expect(asked('budget.cost > 1', {})).toEqual([expect.stringContaining('budget')]);
  });
});
