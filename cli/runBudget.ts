import { type Command, InvalidArgumentError } from 'commander';
import { mostUsd, mostWallMs, type RaiseAmounts, raiseUnits } from '../core/admission/raise.js';
import type { BudgetAmounts } from '../core/admission/settings.js';

const units = { usd: 'usd', tokens: 'tokens', calls: 'calls', seconds: 'wallMs' } as const;

/** What can be given of each; numbers stay exact below it. */
export const mostOf: Readonly<Record<keyof typeof units, number>> = {
  usd: mostUsd,
  tokens: Number.MAX_SAFE_INTEGER,
  calls: Number.MAX_SAFE_INTEGER,
  seconds: mostWallMs / 1_000,
};
const policies = ['ask', 'degrade'] as const;
const budgetExample = '--budget usd=0.05 --budget tokens=20000';

export function budgetOption(command: Command): Command {
  return command
    .option(
      '--budget <unit=amount>',
      'usd, tokens, calls or seconds it may spend; when used up, "ask" for more or "degrade" to cheaper answers; may be repeated',
      addBudget,
    )
    .hook('preAction', (running) => {
      const { budget } = running.opts<{ budget?: BudgetAmounts }>();
      if (budget?.onExceeded && raiseUnits.every((unit) => budget[unit] === undefined))
        running.error(
          `error: --budget ${budget.onExceeded} says what happens when it is used up, not how much it is; for example ${budgetExample} --budget ${budget.onExceeded}`,
        );
    });
}

/** One `--budget UNIT=AMOUNT` more: usd, tokens, calls or seconds; or what happens when it is used up. */
export function addBudget(value: string, before: BudgetAmounts | undefined): BudgetAmounts {
  const policy = policies.find((known) => known === value);
  if (policy) {
    if (before?.onExceeded && before.onExceeded !== policy)
      throw wrong(`${policies.join(' or ')}, not both`, budgetExample);
    return { ...before, onExceeded: policy };
  }
  const amount = amountOf(value, before, budgetExample, policies);
  if (amount.wallMs === 0) throw wrong('seconds are at least 1', budgetExample);
  return { ...before, ...amount };
}

/** One `--raise UNIT=AMOUNT` more. */
export function addRaise(value: string, before: RaiseAmounts | undefined): RaiseAmounts {
  const example = '--raise usd=1 --raise calls=5';
  const amount = amountOf(value, before, example);
  if (Object.values(amount).includes(0)) throw wrong('it is more than 0', example);
  return { ...before, ...amount };
}

function amountOf(
  value: string,
  before: RaiseAmounts | undefined,
  example: string,
  words: readonly string[] = [],
): RaiseAmounts {
  const [, unit, amount] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(value) ?? [];
  const known = Object.keys(units).find((name): name is keyof typeof units => name === unit);
  const orWord = words.map((word) => `, or ${word}`).join('');
  if (!known) throw wrong(`one of ${Object.keys(units).join(', ')}, "=" and an amount${orWord}`, example);
  if (before?.[units[known]] !== undefined) throw wrong(`${known} is given twice`, example);
  const number = Number(amount);
  if (known !== 'usd' && !Number.isInteger(number)) throw wrong(`${known} is a whole number`, example);
  const most = mostOf[known];
  if (number > most) throw wrong(`${known} is at most ${most}`, example);
  return { [units[known]]: known === 'seconds' ? number * 1_000 : number };
}

function wrong(reason: string, example: string): InvalidArgumentError {
  return new InvalidArgumentError(`${reason}; for example ${example}`);
}
