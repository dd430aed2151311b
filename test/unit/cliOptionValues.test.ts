import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { seconds, wholeNumber } from '../../cli/optionValues.js';
import { addBudget, addRaise } from '../../cli/runBudget.js';

describe('the value of an option', () => {
  it('of seconds is a positive number', () => {
    expect(seconds('1.5')).toBe(1.5);
    for (const wrong of ['long', '0', '-1', '', 'Infinity']) expect(() => seconds(wrong)).toThrow(InvalidArgumentError);
  });

  it('of a count is a whole number within its bounds', () => {
    expect(wholeNumber(1, 10)('10')).toBe(10);
    for (const wrong of ['0', '11', '2.5', '', 'ten']) {
      expect(() => wholeNumber(1, 10)(wrong)).toThrow(InvalidArgumentError);
    }
  });

  it('of a budget is a unit and an amount, each unit once', () => {
    const usd = addBudget('usd=0.05', undefined);
    expect(addBudget('seconds=60', usd)).toEqual({ usd: 0.05, wallMs: 60_000 });
    for (const wrong of ['eur=1', 'usd', 'usd=-1', 'tokens=1.5', 'seconds=0']) {
      expect(() => addBudget(wrong, undefined)).toThrow(InvalidArgumentError);
    }
    expect(() => addBudget('usd=1', usd)).toThrow(/twice/);
    expect(addBudget('ask', usd)).toEqual({ usd: 0.05, onExceeded: 'ask' });
  });

  it('of a raise is a unit and more than nothing of it', () => {
    const usd = addRaise('usd=0.5', undefined);
    expect(addRaise('seconds=60', usd)).toEqual({ usd: 0.5, wallMs: 60_000 });
    for (const wrong of ['eur=1', 'ask', 'usd=0', 'calls=0', 'calls=1.5']) {
      expect(() => addRaise(wrong, undefined)).toThrow(InvalidArgumentError);
    }
  });
});
