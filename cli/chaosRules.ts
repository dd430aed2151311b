/** The rules that options of `segno chaos` ask for. What says nothing of a fault that is named is wrong usage. */
import { type Command, InvalidArgumentError } from 'commander';
import { type ChaosRule, checkRule } from '../core/chaos/rule.js';
import { SegnoError } from '../core/errors.js';
import { durationMs, wholeNumber } from './optionValues.js';

const callPlaces = ['provider', 'tool'] as const;
const processPlaces = ['worker', 'ledger', 'temporal'] as const;
const places = [...callPlaces, ...processPlaces] as const;
type Place = (typeof places)[number];

export interface RuleFlags extends Partial<Record<Place, string>> {
  of?: string;
  share?: number;
  every?: { calls: number } | { ms: number };
  limit?: number;
}

/** One for each place that is named. */
export function rulesOf(flags: RuleFlags, command: Command): ChaosRule[] {
  const { of, limit, share: shareOf, every: everyOf } = flags;
  const named = places.filter((at) => flags[at] !== undefined);
  if (named.length === 0) return command.error(`error: say what: ${listed(places, 'or')}`);
  if (of !== undefined && (flags.provider === undefined) === (flags.tool === undefined))
    return command.error('error: --of names a model with --provider, or a tool with --tool');
  const often = {
    ...(everyOf && 'calls' in everyOf && { every: everyOf.calls }),
    ...(shareOf !== undefined && { share: shareOf }),
    ...(limit !== undefined && { limit }),
  };
  const kills = everyOf && 'ms' in everyOf ? { everyMs: everyOf.ms } : {};
  for (const option of of === undefined ? Object.keys(often) : ['of', ...Object.keys(often)]) {
    const shown = option === 'every' ? '--every with a number' : `--${option}`;
    failUnlessTaken(shown, 'calls', callPlaces, named, command);
  }
  if ('everyMs' in kills) failUnlessTaken('--every with a time', 'kills', processPlaces, named, command);
  try {
    return named.map((at) =>
      checkRule(
        at === 'provider'
          ? { at, fault: providerFault(flags.provider!), ...often, ...(of && { model: of }) }
          : at === 'tool'
            ? { at, fault: flags.tool, ...often, ...(of && { tool: of }) }
            : { at, fault: flags[at], ...kills },
      ),
    );
  } catch (error) {
    if (!(error instanceof SegnoError)) throw error;
    return command.error(`error: ${error.message}`);
  }
}

function failUnlessTaken(
  option: string,
  what: 'calls' | 'kills',
  takers: readonly Place[],
  named: readonly Place[],
  command: Command,
): void {
  const others = named.filter((at) => !takers.includes(at));
  if (others.length === 0) return;
  const does = others.length === 1 ? 'does' : 'do';
  command.error(
    `error: ${option} is of ${what}: ${listed(takers, 'and')} take it, ${listed(others, 'and')} ${does} not; say what takes it in a command of its own`,
  );
}

function listed(of: readonly Place[], last: 'and' | 'or'): string {
  const names = of.map((at) => `--${at}`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;
}

/** A kind, or JSON with its settings, as in the header `x-segno-fault`. */
function providerFault(source: string): unknown {
  if (!source.startsWith('{')) return source;
  try {
    return JSON.parse(source) as unknown;
  } catch {
    return source;
  }
}

export function share(source: string): number {
  const value = Number(source);
  if (source.trim() === '' || !(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('It is a number above 0 and up to 1.');
  }
  return value;
}

export function every(source: string): { calls: number } | { ms: number } {
  return /^\d+$/.test(source) ? { calls: wholeNumber(1, 1_000_000)(source) } : { ms: durationMs(source) };
}
