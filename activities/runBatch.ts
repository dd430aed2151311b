import { Context } from '@temporalio/activity';
import { type ItemEnd, type RunBatchRequest, type RunBatchResult, totalsOf } from '../core/batches.js';
import { SegnoError } from '../core/errors.js';
import type { ActivityDependencies } from './dependencies.js';
import { agentItems } from './batch/agentItems.js';
import { finishWith, mapOf, readBatch, readItemsOf } from './batch/batchStore.js';
import type { BatchItem, ItemOutcome, ItemRunner } from './batch/itemRunner.js';
import { prepareToolItems } from './batch/toolItems.js';
import { createCallModel } from './callModel.js';
import { withHeartbeat } from './heartbeat.js';
import { createRunTool } from './runTool.js';

/**
 * Works through the items of one batch, some at once, each recorded in the ledger on its own: an attempt that takes over from
 * another goes on where that stopped.
 *
 * Invariants:
 * 1. When it ends, nothing of it runs any more.
 * 2. A batch that fails, fails with its first failed item's own error; what the others have finished stays.
 */
export function createRunBatch(dependencies: ActivityDependencies) {
  const { config, ledger } = dependencies;
  const calls = { callModel: createCallModel(dependencies), runTool: createRunTool(dependencies) };

  return async function runBatch(request: RunBatchRequest): Promise<RunBatchResult> {
    const progress = { completed: 0, failed: 0, of: 0 };
    return withHeartbeat(
      () => work(request, progress),
      () => progress,
    );
  };

  async function work(
    request: RunBatchRequest,
    progress: { completed: number; failed: number; of: number },
  ): Promise<RunBatchResult> {
    const { step, path, batch } = request;
    if ('workflow' in step || ('agent' in step && hasTools(step.agent))) return { unbatched: true };
    const map = mapOf(request);
    const row = await readBatch(ledger, map, batch);
    if (row.totals) return row.totals;
    const items = (await readItemsOf(ledger, map, row)).map((input, index): BatchItem => {
      return { index: row.first + index, path: `${path}/item#${row.first + index}`, input };
    });
    progress.of = items.length;
    const runner =
      'tool' in step
        ? await prepareToolItems(dependencies, request, step, items)
        : agentItems(calls, dependencies, request, step);
    const used = { usage: [0, 0, 0n] as [number, number, bigint], repetitions: 0 };
    const outcomes = await runAll(runner, items, request, (outcome) => {
      if ('error' in outcome) progress.failed += 1;
      else progress.completed += 1;
      const { inputTokens = 0, outputTokens = 0, costPicoUsd = 0n } = outcome.usage ?? {};
      used.usage = [used.usage[0] + inputTokens, used.usage[1] + outputTokens, used.usage[2] + costPicoUsd];
      used.repetitions += outcome.attempts - 1;
    });
    const ends = outcomes.map((outcome, index): ItemEnd => {
      if (!('error' in outcome)) return [outcome.output ?? null];
      return { type: outcome.error.type, message: outcome.error.message, step: items[index]!.path };
    });
    const [inputTokens, outputTokens, cost] = used.usage;
    const totals = totalsOf(ends, row.first, {
      usage: [inputTokens, outputTokens, String(cost)],
      repetitions: used.repetitions,
    });
    return finishWith(ledger, map, batch, ends, totals);
  }

  function hasTools(name: string): boolean {
    return (config.agents.get(name)?.tools ?? []).length > 0;
  }
}

/** @throws the error that ended the batch, once nothing of it runs any more */
async function runAll(
  runner: ItemRunner,
  items: readonly BatchItem[],
  { itemConcurrency, keepGoing }: RunBatchRequest,
  note: (outcome: ItemOutcome) => void,
): Promise<ItemOutcome[]> {
  const { cancellationSignal } = Context.current();
  const outcomes: ItemOutcome[] = [];
  const pending: Promise<void>[] = [];
  let next = 0;
  let thrown: Error | undefined;
  const stop = (reason: unknown): void => {
    thrown ??= reason instanceof Error ? reason : new Error(String(reason));
    next = items.length;
  };
  const ended = (index: number, outcome: ItemOutcome): void => {
    outcomes[index] = outcome;
    note(outcome);
    if (!('error' in outcome) || keepGoing) return;
    const { type, message } = outcome.error;
    stop(new SegnoError(type, message, { retryable: false, details: { step: items[index]!.path } }));
  };
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      if (cancellationSignal.aborted) return stop(cancelled());
      const { outcome } = await runner.run(items[index]!);
      pending.push(outcome.then((known) => ended(index, known), stop));
    }
  };
  await Promise.all(Array.from({ length: Math.min(itemConcurrency, items.length) }, () => lane().catch(stop)));
  await Promise.all(pending);
  if (thrown) throw thrown;
  return outcomes;
}

function cancelled(): SegnoError {
  return new SegnoError('Run.Cancelled', 'the batch was cancelled', { retryable: true });
}
