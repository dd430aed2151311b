import { Chaos, type Strike } from '../core/chaos/chaos.js';
import { type CallRule, checkRule, isProcessRule, longestRuleMs } from '../core/chaos/rule.js';
import { SegnoError } from '../core/errors.js';

/** Faults for a test, by the rules of `segno chaos`. Hand it to the model and to the stack that are to show them. */
export interface TestChaos {
  /** Decides call by call; the model and the worker ask it. */
  readonly decide: Chaos;
  readonly seed: number;
  /** What was injected so far, in order. */
  readonly strikes: readonly Strike[];
  /** Nothing more is injected. */
  stop(): void;
}

/**
 * Rules at work from now on, for an hour at most. The seed is printed: SEGNO_SEED repeats its choices.
 *
 * @param options.seed default: SEGNO_SEED, or drawn
 * @throws SegnoError `Config.Invalid`
 */
export function createChaos(rules: readonly CallRule[], options: { seed?: number } = {}): TestChaos {
  const seed = options.seed ?? seedOfThisRun();
  console.log(`SEGNO_SEED=${seed}`);
  const startsAtMs = Date.now();
  let active = rules.map((given, index) => {
    const rule = checkRule(given);
    if (isProcessRule(rule)) {
      const message = `a test has no ${rule.at} to ${rule.fault}: use startWorkerProcess and its kill()`;
      throw new SegnoError('Config.Invalid', message);
    }
    const ends = { startsAtMs, endsAtMs: startsAtMs + longestRuleMs };
    return { id: `${rule.at}-${index + 1}`, rule, seed: seed + index, ...ends };
  });
  const strikes: Strike[] = [];
  return {
    decide: new Chaos(
      () => active,
      (strike) => strikes.push(strike),
    ),
    seed,
    strikes,
    stop: () => void (active = []),
  };
}

/** SEGNO_SEED repeats a run; without it every run draws anew. */
export function seedOfThisRun(): number {
  const given = process.env['SEGNO_SEED'];
  if (given === undefined || given === '') return Math.floor(Math.random() * 2 ** 31);
  if (/^\d{1,10}$/.test(given)) return Number(given);
  throw new SegnoError('Config.Invalid', `SEGNO_SEED is '${given}' and has to be a whole number`);
}
