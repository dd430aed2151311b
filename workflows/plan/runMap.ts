/**
 * A map of a plan.
 *
 * Invariants:
 * 1. What it gives has the same form however many elements there are, and whichever way they went.
 * 2. Calls of an agent, a tool or a workflow leave the history of the plan as it is for ten elements as for a hundred thousand:
 *    from some on they go in batches. Everything else runs in the plan's own workflow, for as many elements as that can hold.
 */
import { patched } from '@temporalio/workflow';
import { type ItemFailure, type ItemStep, toldFailures } from '../../core/batches.js';
import { isCall, mostElements, type PlanMap, planLimits } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { mapCalls } from '../patterns/mapCalls.js';
import type { MapCounts } from '../patterns/mapReduceOptions.js';
import { parallel } from '../patterns/parallel.js';
import { type PlanVariables, resolve, resolveElements } from './resolve.js';

/** @param body does what `do` says */
export async function runMap(
  map: PlanMap,
  variables: PlanVariables,
  at: DocumentPath,
  body: (variables: PlanVariables) => Promise<unknown>,
): Promise<unknown> {
  const items = resolveElements(map.over, variables, [...at, 'over']);
  const where = formatPath([...at, 'over']);
  if (!Array.isArray(items)) throw fail('Plan.MissingValue', `${where} is no list`);
  const { maxItems = planLimits.items } = map;
  if (items.length > maxItems) {
    const most = mostElements(map.do);
    const more = maxItems < most ? ` (maxItems may be up to ${most})` : '';
    throw fail('Plan.MissingValue', `${where} has ${items.length} elements; at most ${maxItems} are allowed${more}`);
  }
  const elements = items.map((item: unknown, index) => ({ ...variables, item, index }));
  if (map.gives === 'document' || (items.length > planLimits.branches && isCall(map.do) && patched(inBatches)))
    return runInBatches(map, elements, at);
  return runInPlace(map, elements, body);
}

/** Before it, up to 1,000 calls were branches of the plan's workflow. */
const inBatches = 'plan-maps-in-batches';

async function runInPlace(
  { concurrency, timeout, onFailure, minimum }: PlanMap,
  elements: readonly PlanVariables[],
  body: (variables: PlanVariables) => Promise<unknown>,
): Promise<unknown> {
  const branches = elements.map((element) => () => body(element));
  const options = {
    ...(concurrency !== undefined && { concurrency }),
    ...(timeout !== undefined && { timeout: timeout as Duration }),
  };
  if (onFailure !== 'continue') return parallel(branches, options);
  const results = await parallel(branches, { ...options, onFailure, ...(minimum !== undefined && { minimum }) });
  const failures = results.flatMap((result, item): ItemFailure[] =>
    result.status === 'completed' ? [] : [{ item, error: result.error }],
  );
  const outputs = results.map((result) => (result.status === 'completed' ? (result.output ?? null) : null));
  const [total, failed] = [results.length, failures.length];
  return whatIsLeft(outputs, { total, completed: total - failed, failed, failures: failures.slice(0, toldFailures) });
}

const batchesAtOnce = 4;

async function runInBatches(map: PlanMap, elements: readonly PlanVariables[], at: DocumentPath): Promise<unknown> {
  const { concurrency, timeout, onFailure, minimum, gives } = map;
  const batches = Math.min(batchesAtOnce, concurrency ?? batchesAtOnce);
  const { output, counts } = await mapCalls(callOf(map), inputsOf(map, elements, at), {
    ...(concurrency !== undefined && {
      concurrency: batches,
      itemConcurrency: Math.floor(concurrency / batches),
    }),
    ...(timeout !== undefined && { timeout: timeout as Duration }),
    ...(onFailure !== undefined && { onFailure }),
    ...(minimum !== undefined && { minimum }),
    ...(gives !== 'document' && { list: { mostCharacters: planLimits.mapCharacters } }),
  });
  return onFailure === 'continue' ? whatIsLeft(output, counts) : output;
}

/** All of them go into one payload. */
function inputsOf({ do: { input } }: PlanMap, elements: readonly PlanVariables[], at: DocumentPath): unknown[] {
  const place = [...at, 'do', 'input'];
  let characters = 0;
  return elements.map((element) => {
    const given = resolve(input ?? null, element, place);
    characters += JSON.stringify(given).length;
    if (characters <= planLimits.mapCharacters) return given;
    const advice = 'refer to less in each, or have a tool read what they share';
    throw fail(
      'Plan.TooLarge',
      `${formatPath(place)}: the inputs of all elements have over ${planLimits.mapCharacters} characters: ${advice}`,
    );
  });
}

function callOf({ do: { agent, tool, workflow } }: PlanMap): ItemStep {
  if (agent !== undefined) return { agent };
  return tool !== undefined ? { tool } : { workflow: workflow! };
}

/** @param outputs of all elements, null for a failed one */
function whatIsLeft(outputs: unknown, counts: MapCounts): unknown {
  return { outputs, ...counts };
}
