import type { ListEffectsRequest, ListEffectsResult, MarkUndoneRequest, UndoToolRequest } from '../core/contracts.js';
import { SegnoError } from '../core/errors.js';
import {
  listEffectsUnder,
  markStepsUndone,
  markStepsUndoneUnder,
  mostEffects,
  readDoneEffect,
} from '../ledger/index.js';
import type { ToolDefinition } from '../core/tool.js';
import { type ActivityDependencies, currentStep, type StepIdentity } from './dependencies.js';
import { withHeartbeat } from './heartbeat.js';
import { loadDeps } from './runDeps.js';
import { classifyToolError, toolFinalAfter } from './toolCall/classifyToolError.js';
import { runToolCode } from './toolCall/executeTool.js';
import { createRecordCall } from './toolCall/recordCall.js';

/**
 * What a saga goes back by.
 *
 * Invariants:
 * 1. A step is undone under a step of its own, as an idempotent call: what is done is not done again, what was cut is called again
 *    under the same key.
 * 2. That step is known by the effect it takes back: the same path in a retry, for another effect, is another call.
 * 3. An effect that was taken back is marked before the saga hears of it: no retry takes it for done.
 */
export function createUndoEffects(dependencies: ActivityDependencies) {
  const { config, ledger } = dependencies;
  const recordCall = createRecordCall(dependencies);
  const compensations = new WeakMap<ToolDefinition, ToolDefinition>();
  return { undoTool, listEffects, markUndone };

  async function undoTool(request: UndoToolRequest): Promise<void> {
    const { tool: name, undoes, ctx } = request;
    const tool = config.tools.get(name);
    if (!tool?.compensate) throw new SegnoError('Tool.Unknown', `no tool that can be undone is named ${name}`);
    const step = currentStep(request);
    const key = keyOf(request, undoes);
    const effect = await readDoneEffect(ledger, key);
    if (!effect) return;
    const { idempotencyKey, input, output } = effect;
    const parsed = tool.input.safeParse(input);
    if (output === undefined || !parsed.success) {
      throw new SegnoError('Tool.Failed', `the ledger does not hold what ${undoes} was called with, or gave`, {
        retryable: false,
      });
    }
    const deps = await loadDeps(dependencies, ctx, tool.deps, `tool ${name}`);
    const run = async (identity: StepIdentity, attempts: number): Promise<unknown> => {
      const execution = { ledger, name, tool, deps, step: identity };
      try {
        await runToolCode(execution, (context) => tool.compensate!(parsed.data, output, context));
        return null;
      } catch (error) {
        throw toolFinalAfter(classifyToolError(name, 'idempotent', error), attempts);
      }
    };
    await withHeartbeat(() =>
      recordCall({
        ...{ request, tool: compensationOf(tool), input: { undoes: idempotencyKey }, run },
        conclude: async (end) => ({ result: { value: await end() }, blobs: [] }),
      }),
    );
    await markStepsUndone(ledger, [key], step.key);
  }

  async function listEffects({ path, ctx }: ListEffectsRequest): Promise<ListEffectsResult> {
    const { tenant, scope, key } = currentStep({ path, ...(ctx && { ctx }) });
    const run = key.slice(0, -path.length);
    const effects = await listEffectsUnder(ledger, { tenant, scope, prefix: `${key}/` });
    const mine = effects.slice(0, mostEffects).filter(({ tool }) => config.tools.get(tool)?.compensate);
    const pathOf = (effect: { key: string }): string => effect.key.slice(run.length);
    return {
      undoable: mine.filter(({ state }) => state === 'done').map((one) => ({ path: pathOf(one), tool: one.tool })),
      unknown: mine.filter(({ state }) => state !== 'done').map(pathOf),
      ...(effects.length > mostEffects && { more: true }),
    };
  }

  async function markUndone(request: MarkUndoneRequest): Promise<void> {
    const keys = request.paths.map((path) => keyOf(request, path));
    const undoable = [...config.tools].flatMap(([name, { compensate }]) => (compensate ? [name] : []));
    const by = keyOf(request, request.by);
    await markStepsUndone(ledger, keys, by, undoable);
    if (request.below === undefined) return;
    const { tenant, scope, key } = currentStep({ path: request.below, ...(request.ctx && { ctx: request.ctx }) });
    await markStepsUndoneUnder(ledger, { tenant, scope, prefix: `${key}/` }, by);
  }

  function keyOf({ ctx }: Pick<UndoToolRequest, 'ctx'>, path: string): string {
    return currentStep({ path, ...(ctx && { ctx }) }).key;
  }

  /** Its definition as that of a tool. */
  function compensationOf(tool: ToolDefinition): ToolDefinition {
    const { reconcile: _, onUnknown: __, ...rest } = tool;
    const compensation = compensations.get(tool) ?? { ...rest, idempotent: true, duration: 'long' as const };
    compensations.set(tool, compensation);
    return compensation;
  }
}
