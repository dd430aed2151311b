import type { ItemStep } from '../../core/batches.js';
import type { DocumentRef } from '../../core/document.js';
import { splitText } from '../../core/split.js';
import { referenceOf } from '../agent/stepReference.js';
import { nextPath } from '../scope.js';
import { checkMapReduce } from './checkMapReduce.js';
import { mapInBatches } from './mapInBatches.js';
import { mapInPlace } from './mapInPlace.js';
import { inMapTime } from './mapTime.js';
import type {
  AnyMapReduce,
  FailFast,
  KeepGoing,
  MapOnly,
  MapReduced,
  MapReduceOptions,
  OtherKind,
  SameKind,
} from './mapReduceOptions.js';

/**
 * Do the same with each of many items, then reduce the outputs to one, as a tree. Ten items or a hundred thousand: tools and agents
 * of a proxy work in batches outside of this workflow's history, each item a step of its own that is never done twice.
 *
 * Without `reduce` the outputs come as a JSON document with an entry an item. The first failed item ends it with that item's
 * failure; with `onFailure: 'continue'` the others go on, also when the time limit ends some of them, and what comes out says how
 * many completed.
 *
 * @throws ApplicationFailure of the item or reduction that failed; `Step.DeadlineExceeded`; `Pattern.TooFew` when `minimum` is not
 *   reached; `Pattern.InvalidSteps` before anything runs
 */
export function mapReduce<Item, Mapped, Reduced>(
  options: MapReduceOptions<Item, Mapped> & OtherKind<Mapped, Reduced> & KeepGoing,
): Promise<MapReduced<Reduced>>;
export function mapReduce<Item, Mapped, Reduced>(
  options: MapReduceOptions<Item, Mapped> & OtherKind<Mapped, Reduced> & FailFast,
): Promise<Reduced>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & SameKind<Mapped> & KeepGoing,
): Promise<MapReduced<Mapped>>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & SameKind<Mapped> & FailFast,
): Promise<Mapped>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & MapOnly & KeepGoing,
): Promise<MapReduced<DocumentRef>>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & MapOnly & FailFast,
): Promise<DocumentRef>;
export async function mapReduce(options: AnyMapReduce): Promise<unknown> {
  checkMapReduce(options);
  const path = nextPath('mapReduce');
  const source = options.items;
  const items = 'text' in source ? splitText(source.text, source.split) : source;
  const itemStep = itemStepOf(options.map);
  const { output: ended, ...facts } = await inMapTime(path, options, (time) =>
    itemStep
      ? mapInBatches(path, { ...options, items, step: itemStep }, time)
      : mapInPlace(path, { ...options, items: items as readonly unknown[] }, time),
  );
  if (options.onFailure !== 'continue') return ended.output;
  const { output, counts } = ended;
  const { total, completed, failures } = counts;
  const first = failures[0];
  return {
    ...facts,
    status: completed === total ? 'completed' : completed > 0 ? 'partial' : 'failed',
    ...(output !== undefined && { output }),
    steps: counts,
    ...(first && { error: first.error, failedStep: `item#${first.item}` }),
  } satisfies MapReduced<unknown>;
}

/** Undefined for a function that runs in this workflow. */
function itemStepOf(map: AnyMapReduce['map']): ItemStep | undefined {
  return typeof map === 'function' ? referenceOf(map) : { workflow: map.workflow.name };
}
