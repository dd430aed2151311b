import { mostItems } from '../../core/batches.js';
import { splitFault } from '../../core/split.js';
import { referenceOf } from '../agent/stepReference.js';
import { fail } from '../failure.js';
import type { AnyMapReduce } from './mapReduceOptions.js';
import { rangeFaults } from './rangeFaults.js';

/** Each leaves events in the history of the workflow that maps. */
const mostItemsInPlace = 1_000;

/** Highest values that make sense; the server takes at most 2,000 pending activities of one workflow. */
const most = { batchSize: 10_000, concurrency: 200, itemConcurrency: 1_000, fanIn: 10_000 } as const;

/** @throws ApplicationFailure `Pattern.InvalidSteps` with every fault */
export function checkMapReduce(options: AnyMapReduce): void {
  const faults = [...numberFaults(options), ...itemFaults(options), ...stepFaults(options)];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `mapReduce: ${faults.join('; ')}`);
}

function numberFaults(options: AnyMapReduce): string[] {
  return Object.entries(most).flatMap(([name, highest]) =>
    rangeFaults({ [name]: options[name as keyof typeof most] }, name === 'fanIn' ? 2 : 1, highest),
  );
}

function itemFaults({ items, minimum = 0 }: AnyMapReduce): string[] {
  const faults: string[] = [];
  if ('split' in items) {
    const fault = splitFault(items.split);
    if (fault !== undefined) faults.push(fault);
  }
  const count = 'length' in items ? items.length : mostItems;
  if (count > mostItems) faults.push(`items: ${count} are more than ${mostItems}`);
  if (!Number.isInteger(minimum) || minimum < 0 || minimum > count) {
    faults.push(`minimum: ${minimum} is not between 0 and the ${count} items`);
  }
  return faults;
}

function stepFaults({ items, map, reduce }: AnyMapReduce): string[] {
  if (typeof map !== 'function') {
    const { name } = map.workflow;
    return name === '' ? ['map.workflow: a function without a name is no workflow'] : [];
  }
  if (referenceOf(map)) return [];
  const instead = 'give a tool or an agent of a proxy, or a workflow';
  if (!reduce) return [`map: a function of this workflow needs a reduce (for its outputs alone there is parallel)`];
  if ('document' in items) return [`map: a document is cut into items outside of this workflow: ${instead}`];
  if ('length' in items && items.length > mostItemsInPlace) {
    return [
      `map: a function of this workflow takes at most ${mostItemsInPlace} items, not ${items.length}: ${instead}`,
    ];
  }
  return [];
}
