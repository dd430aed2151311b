import { CommanderError, InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../cli/commands/run.js';
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
    expect(addBudget('degrade', usd)).toEqual({ usd: 0.05, onExceeded: 'degrade' });
    expect(() => addBudget('ask', addBudget('degrade', usd))).toThrow(/not both/);
    expect(() => addBudget('usd=1000001', undefined)).toThrow(/usd is at most 1000000/);
    expect(() => addBudget('tokens=99999999999999999', undefined)).toThrow(/tokens is at most/);
  });

  it('of a budget says how much it is, and not only what happens when it is used up', async () => {
    const run = (...args: string[]) => {
      let said = '';
      const command = runCommand()
        .exitOverride()
        .configureOutput({ writeErr: (text) => (said += text) });
      return command.parseAsync(['greet', ...args], { from: 'user' }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(CommanderError);
        return said;
      });
    };
    expect(await run('--budget', 'ask')).toMatch(/--budget ask says .* not how much it is/);
    expect(await run('--concurrency-key', '')).toMatch(/--concurrency-key <key>.*1 to 200 characters/);
    expect(await run('--budget', 'usd=99999999999')).toMatch(/--budget <unit=amount>.*usd is at most 1000000/);
  });

  it('of a raise is a unit and more than nothing of it', () => {
    const usd = addRaise('usd=0.5', undefined);
    expect(addRaise('seconds=60', usd)).toEqual({ usd: 0.5, wallMs: 60_000 });
    for (const wrong of ['eur=1', 'ask', 'usd=0', 'calls=0', 'calls=1.5']) {
      expect(() => addRaise(wrong, undefined)).toThrow(InvalidArgumentError);
    }
  });
});
