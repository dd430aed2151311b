import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Concurrency, longestKey, mostConcurrency } from '../client/concurrency.js';
import type { OnLimit } from '../core/places.js';
import { wholeNumber } from './optionValues.js';

export interface ConcurrencyFlags {
  concurrencyKey?: string;
  concurrencyLimit?: number;
  onLimit?: keyof typeof choices;
}

const choices = { queue: 'queue', drop: 'drop', 'cancel-running': 'cancelRunning' } as const satisfies Record<
  string,
  OnLimit
>;

export function concurrencyOptions(command: Command): Command {
  return command
    .option('--concurrency-key <key>', 'runs of one key, for example customer/42, go one at a time', keyText)
    .option('--concurrency-limit <n>', 'so many of the key at a time (default: 1)', wholeNumber(1, mostConcurrency))
    .addOption(
      new Option('--on-limit <what>', 'with as many in progress (default: queue)').choices(Object.keys(choices)),
    )
    .hook('preAction', (running) => {
      const { concurrencyKey, concurrencyLimit, onLimit } = running.opts<ConcurrencyFlags>();
      if (concurrencyKey === undefined && (concurrencyLimit !== undefined || onLimit !== undefined))
        running.error('error: --concurrency-limit and --on-limit say how, --concurrency-key what for: it is missing');
    });
}

export function concurrencyOf({ concurrencyKey: key, concurrencyLimit, onLimit }: ConcurrencyFlags): {
  concurrency?: Concurrency;
} {
  if (key === undefined) return {};
  return {
    concurrency: {
      key,
      ...(concurrencyLimit !== undefined && { limit: concurrencyLimit }),
      ...(onLimit !== undefined && { onLimit: choices[onLimit] }),
    },
  };
}

function keyText(source: string): string {
  if (source.length > 0 && source.length <= longestKey) return source;
  throw new InvalidArgumentError(`It is a text of 1 to ${longestKey} characters.`);
}
