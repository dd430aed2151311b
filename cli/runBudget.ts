import { InvalidArgumentError } from 'commander';
import type { BudgetAmounts } from '../core/admission/settings.js';

const units = { usd: 'usd', tokens: 'tokens', calls: 'calls', seconds: 'wallMs' } as const;

/** One `--budget UNIT=AMOUNT` more: usd, tokens, calls or seconds. */
export function addBudget(value: string, before: BudgetAmounts | undefined): BudgetAmounts {
  const [, unit, amount] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(value) ?? [];
  const known = Object.keys(units).find((name): name is keyof typeof units => name === unit);
  if (!known) throw wrong(`one of ${Object.keys(units).join(', ')}, "=" and an amount`);
  if (before?.[units[known]] !== undefined) throw wrong(`${known} is given twice`);
  const number = Number(amount);
  if (known !== 'usd' && !Number.isInteger(number)) throw wrong(`${known} is a whole number`);
  if (known === 'seconds' && number === 0) throw wrong('seconds are at least 1');
  return { ...before, [units[known]]: known === 'seconds' ? number * 1_000 : number };
}

function wrong(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`${reason}; for example --budget usd=0.05 --budget tokens=20000`);
}
