import {
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  getExternalWorkflowHandle,
  workflowInfo,
} from '@temporalio/workflow';
import { addTotals, noTotals } from '../../core/batches.js';
import { fail, stepFailure } from '../failure.js';
import {
  batchActivities,
  contextOf,
  largestOtherBatch,
  largestToolBatch,
  levelPath,
  mapProgressSignal,
  type MapEnd,
  type MapProgress,
  type MapState,
  stepOf,
} from '../patterns/mapState.js';
import { runLevel } from '../patterns/runLevel.js';

/** How often the caller is told, for each level: each time leaves events in its history. */
const timesTold = 10;

/**
 * A map of many items, and its reduction by tools or agents, level by level: the history of its caller stays the same for ten
 * items as for a million, and its own ends after some batches, when it continues as new.
 */
export async function mapBatches(state: MapState): Promise<MapEnd> {
  let told = 0;
  const tell = ({ totals, items, next, batches, path, level }: MapState): void => {
    if (next >= batches || Math.floor(((totals.completed + totals.failed) / items) * timesTold) <= told) return;
    told += 1;
    const { completed, failed } = totals;
    const counts = { ...(level > 0 && { level }), completed, failed, pending: items - completed - failed };
    tellCaller({ path, counts });
  };
  for (;;) {
    state = await runLevel(state, tell);
    if (state.next < state.batches) {
      // The next execution would not know of it.
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the map was cancelled');
      await continueAsNew<typeof mapBatches>(state);
    }
    const after = await nextLevel(withTimeForMore(state));
    if ('end' in after) return after.end;
    state = after.goOn;
    told = 0;
  }
}

function withTimeForMore(state: MapState): MapState {
  return { ...state, deadlineMs: state.reduceDeadlineMs ?? state.deadlineMs };
}

async function nextLevel(state: MapState): Promise<{ end: MapEnd } | { goOn: MapState }> {
  const { level, totals, items, minimum, path, reduce, concurrency, batchSize, fanIn, deadlineMs } = state;
  const mapped = state.mapped ?? { ...totals, items };
  if (level === 0 && totals.completed < minimum) {
    throw fail('Pattern.TooFew', `${path}: ${totals.completed} of at least ${minimum} items completed`, path);
  }
  const { usage, repetitions } = addTotals({ ...noTotals, ...state.used }, totals);
  const used = { usage, repetitions };
  if (!reduce || mapped.completed === 0 || (level > 0 && items === 1)) return { end: await endOf(state, mapped, used) };
  const next: MapState = { ...state, level: level + 1, mapped, used, next: 0, totals: noTotals };
  const nextPath = levelPath(next);
  const stored = await inTime(`${nextPath}/items`, deadlineMs, (activities) =>
    activities.storeItems({
      path: nextPath,
      source: { outputsOf: levelPath(state), group: fanIn },
      concurrency,
      ...(batchSize !== undefined && { batchSize }),
      largestBatch: 'tool' in stepOf(next) ? largestToolBatch : largestOtherBatch,
      ctx: contextOf(state),
    }),
  );
  return { goOn: { ...next, ...stored } };
}

async function endOf(state: MapState, mapped: NonNullable<MapState['mapped']>, used: MapEnd['used']): Promise<MapEnd> {
  const { path, deadlineMs, level } = state;
  const ctx = contextOf(state);
  const write = (what: 'outputs' | 'failures') =>
    inTime(`${path}/${what}`, deadlineMs, (activities) => activities.writeOutputs({ path: `${path}/map`, what, ctx }));
  const read = () =>
    inTime(`${path}/output`, deadlineMs, (activities) =>
      activities.readOutputs({ path: levelPath(state), batch: 0, ctx }),
    );
  return {
    mapped,
    used,
    ...(level > 0 && { output: (await read()).outputs[0] }),
    ...(state.writeOutputs && { outputs: await write('outputs') }),
    ...(mapped.failed > 0 && { failedItems: await write('failures') }),
  };
}

async function inTime<T>(
  path: string,
  deadlineMs: number,
  body: (activities: ReturnType<typeof batchActivities>) => Promise<T>,
): Promise<T> {
  try {
    return await body(batchActivities(path, deadlineMs));
  } catch (error) {
    throw stepFailure(error, path, 'Step.DeadlineExceeded');
  }
}

/** It is for people who watch: a caller that has ended need not know. */
function tellCaller(progress: MapProgress): void {
  const { parent } = workflowInfo();
  if (!parent) return;
  const told = CancellationScope.nonCancellable(() =>
    getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(mapProgressSignal, progress),
  );
  told.catch(() => undefined);
}
