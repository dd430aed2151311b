import { Context } from '@temporalio/activity';
import type { RunContext } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import { describeIssues } from '../../core/schema.js';
import type { ToolContext, ToolDefinition } from '../../core/tool.js';
import { type FinishedSpan, formatTraceparent, type SpanRecorder } from '../../core/trace.js';
import type { Ledger } from '../../ledger/index.js';
import type { StepIdentity } from '../dependencies.js';
import { documentStore } from '../documentStore.js';
import type { Metrics } from '../metrics.js';
import { agentPlace, keyAbove, OpenSpan, stepAttributes, workflowPlace } from '../spans.js';
import { classifyToolError } from './classifyToolError.js';
import { createToolFetch } from './createToolFetch.js';
import { safetyOf, toolPolicy } from './toolPolicy.js';

export interface ToolExecution {
  metrics: Metrics;
  spans?: SpanRecorder | undefined;
  ctx?: RunContext | undefined;
  /** When an agent calls: its name, and the id its model gave the call. */
  agent?: string | undefined;
  callId?: string | undefined;
  ledger: Ledger;
  name: string;
  tool: ToolDefinition;
  input: unknown;
  deps: unknown;
  step: StepIdentity;
}

/** How long a tool may take to end by itself once its signal is aborted. */
const graceMs = 1_000;

/**
 * Run the tool's own code, and check what it returns.
 *
 * @throws SegnoError `Run.Cancelled`, `Tool.DeadlineExceeded`, `Tool.InvalidOutput`; otherwise what the tool throws
 */
export async function executeTool(execution: ToolExecution): Promise<unknown> {
  const { metrics, name, tool, input } = execution;
  const startedMs = performance.now();
  const span = execution.spans && openToolSpan(execution.spans, execution);
  const seen = (outcome: string): void => metrics.toolCall(name, outcome, performance.now() - startedMs);
  try {
    const value = await runToolCode(execution, (context) =>
      tool.execute(input, span ? { ...context, traceparent: formatTraceparent(span.place) } : context),
    );
    const output = checkedOutput(name, tool, value);
    seen('ok');
    span?.end({}, () => ({ ...argumentsOf(execution), 'gen_ai.tool.call.result': JSON.stringify(output) ?? 'null' }));
    return output;
  } catch (error) {
    const { type } = classifyToolError(name, safetyOf(tool), error);
    seen(type);
    span?.end({ errorType: type }, () => argumentsOf(execution));
    throw error;
  }
}

/** Under the agent that called it, or the workflow. */
function openToolSpan(recorder: SpanRecorder, { name, tool, step, ctx, agent, callId }: ToolExecution): OpenSpan {
  const above = agent === undefined ? workflowPlace(ctx) : agentPlace(ctx, keyAbove(step.key, 2));
  return new OpenSpan(recorder, `execute_tool ${name}`, 'internal', above, {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.description': tool.description,
    'gen_ai.tool.call.id': callId,
    'gen_ai.agent.name': agent,
    ...stepAttributes(step),
  });
}

function argumentsOf({ input }: ToolExecution): FinishedSpan['attributes'] {
  return { 'gen_ai.tool.call.arguments': JSON.stringify(input) ?? 'null' };
}

/** @throws SegnoError `Tool.InvalidOutput` */
export function checkedOutput(name: string, tool: ToolDefinition, value: unknown): unknown {
  const parsed = tool.output.safeParse(value);
  if (!parsed.success) throw new SegnoError('Tool.InvalidOutput', `${name} returned:\n${describeIssues(parsed.error)}`);
  return parsed.data;
}

/**
 * Run code of a tool, within `limitMs`. Code that does not listen to its signal is given up: it may go on, but neither cancellation
 * nor its worker's shutdown waits for it.
 *
 * @param limitMs default: the tool's own
 * @throws SegnoError `Run.Cancelled`, `Tool.DeadlineExceeded`; otherwise what the code throws
 */
export async function runToolCode<Value>(
  { ledger, name, tool, deps, step }: Omit<ToolExecution, 'input' | 'metrics'>,
  run: (context: ToolContext) => Promise<Value> | Value,
  limitMs = toolPolicy(tool).timeoutMs,
): Promise<Value> {
  const activity = Context.current();
  const timeout = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([activity.cancellationSignal, timeout]);
  const { idempotencyKey } = step;
  const context: ToolContext = {
    idempotencyKey,
    signal,
    heartbeat: (details) => activity.heartbeat(details),
    deps,
    documents: documentStore(ledger, step),
    fetch: createToolFetch({ idempotencyKey, signal }),
  };
  try {
    return await orGivenUp(Promise.resolve(run(context)), context.signal);
  } catch (error) {
    // Retryable, because a worker that shuts down cancels too, and another one goes on.
    if (activity.cancellationSignal.aborted)
      throw new SegnoError('Run.Cancelled', `${name} was cancelled`, { retryable: true, cause: error });
    if (timeout.aborted) {
      const message = `${name} took over ${limitMs} ms`;
      throw new SegnoError('Tool.DeadlineExceeded', message, { retryable: true, cause: error });
    }
    throw error;
  }
}

async function orGivenUp<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let giveUpLater = (): void => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    giveUpLater = () => {
      timer = setTimeout(() => reject(new Error('the tool does not listen to its signal')), graceMs);
    };
  });
  if (signal.aborted) giveUpLater();
  signal.addEventListener('abort', giveUpLater);
  try {
    return await Promise.race([running, givenUp]);
  } finally {
    signal.removeEventListener('abort', giveUpLater);
    clearTimeout(timer);
  }
}
