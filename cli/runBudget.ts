import { InvalidArgumentError } from 'commander';
import type { RaiseAmounts } from '../core/admission/raise.js';
import type { BudgetAmounts } from '../core/admission/settings.js';

const units = { usd: 'usd', tokens: 'tokens', calls: 'calls', seconds: 'wallMs' } as const;

/** One `--budget UNIT=AMOUNT` more: usd, tokens, calls or seconds; or `ask`. */
export function addBudget(value: string, before: BudgetAmounts | undefined): BudgetAmounts {
  const example = '--budget usd=0.05 --budget tokens=20000';
  if (value === 'ask') return { ...before, onExceeded: 'ask' };
  const amount = amountOf(value, before, example);
  if (amount.wallMs === 0) throw wrong('seconds are at least 1', example);
  return { ...before, ...amount };
}

/** One `--raise UNIT=AMOUNT` more. */
export function addRaise(value: string, before: RaiseAmounts | undefined): RaiseAmounts {
  const example = '--raise usd=1 --raise calls=5';
  const amount = amountOf(value, before, example);
  if (Object.values(amount).includes(0)) throw wrong('it is more than 0', example);
  return { ...before, ...amount };
}

function amountOf(value: string, before: RaiseAmounts | undefined, example: string): RaiseAmounts {
  const [, unit, amount] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(value) ?? [];
  const known = Object.keys(units).find((name): name is keyof typeof units => name === unit);
  if (!known) throw wrong(`one of ${Object.keys(units).join(', ')}, "=" and an amount`, example);
  if (before?.[units[known]] !== undefined) throw wrong(`${known} is given twice`, example);
  const number = Number(amount);
  if (known !== 'usd' && !Number.isInteger(number)) throw wrong(`${known} is a whole number`, example);
  return { [units[known]]: known === 'seconds' ? number * 1_000 : number };
}

function wrong(reason: string, example: string): InvalidArgumentError {
  return new InvalidArgumentError(`${reason}; for example ${example}`);
}
