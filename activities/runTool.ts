import { Context } from '@temporalio/activity';
import type { RunToolRequest, RunToolResult, ToolPolicy } from '../core/contracts.js';
import { SegnoError } from '../core/errors.js';
import { quickToolLimitMs } from '../core/limits.js';
import { describeIssues } from '../core/schema.js';
import type { StepSafety } from '../core/steps.js';
import type { ToolContext, ToolDefinition } from '../core/tool.js';
import {
  beginStep,
  failStep,
  findStep,
  finishStep,
  hashJson,
  putBlob,
  recordPureStep,
  reuseStep,
} from '../ledger/index.js';
import { type ActivityDependencies, currentStep, type StepIdentity } from './dependencies.js';
import { documentStore } from './documentStore.js';
import { withHeartbeat } from './heartbeat.js';
import { fencedOff, patiently } from './patiently.js';
import { loadDeps } from './runDeps.js';
import { attemptsOfThrowingTool, classifyToolError } from './toolCall/classifyToolError.js';
import { requestedCall, toolMessage, tellModel } from './toolCall/agentCall.js';

const defaultTimeoutMs = 60_000;

/** How the workflow is to run a tool; a name no tool has is answered at once, so quick. */
export function toolPolicy(tool: ToolDefinition | undefined): ToolPolicy {
  if (!tool || tool.duration === 'quick') return { quick: true, timeoutMs: tool?.timeoutMs ?? quickToolLimitMs };
  return { timeoutMs: tool.timeoutMs ?? defaultTimeoutMs };
}

function safetyOf({ readOnly, idempotent }: ToolDefinition): StepSafety {
  if (readOnly) return 'pure';
  return idempotent ? 'idempotent' : 'once';
}

/** What a tool call came to: for the workflow its value, for an agent the message that its model will read. */
interface Outcome {
  result: RunToolResult;
  blobs: { sha256: string; bytes: Uint8Array; mediaType: string }[];
}

/**
 * One call of a tool, recorded.
 *
 * Invariants:
 * 1. A finished call returns what was recorded; the tool does not run again.
 * 2. A tool with effects is `sent` in the ledger before it runs; a pure quick one is written once, when it is done.
 * 3. A tool that may take effect only once is tried again only if it said itself that nothing has happened.
 */
export function createRunTool(dependencies: ActivityDependencies) {
  const { config, ledger, owner } = dependencies;
  const hashes = new WeakMap<ToolDefinition, string>();

  return async function runTool(request: RunToolRequest): Promise<RunToolResult> {
    const tool = config.tools.get(request.tool);
    const policy = toolPolicy(tool);
    if (request.onlyQuick && !policy.quick) return { policy };
    const ran =
      request.agent === undefined
        ? await runForWorkflow(request, tool)
        : await runForAgent(request, request.agent, tool);
    return request.onlyQuick ? { ...ran, policy } : ran;
  };

  async function runForWorkflow(request: RunToolRequest, tool: ToolDefinition | undefined): Promise<RunToolResult> {
    if (!tool)
      throw new SegnoError(
        'Tool.Unknown',
        `no tool is named ${request.tool}; there are: ${[...config.tools.keys()].join(', ')}`,
      );
    const parsed = tool.input.safeParse(request.input);
    if (!parsed.success) throw new SegnoError('Tool.InvalidInput', `${request.tool}:\n${describeIssues(parsed.error)}`);
    return record(request, tool, request.input, (step, attempts) =>
      execute(request, tool, parsed.data, step).then(
        (value): Outcome => ({ result: { value }, blobs: [] }),
        (error: unknown) => {
          throw lastAttempt(classifyToolError(request.tool, safetyOf(tool), error), attempts, request.maxAttempts);
        },
      ),
    );
  }

  /** What a model can do something about is told to it; what it cannot (an unknown outcome, a cancelled run) is thrown. */
  async function runForAgent(
    request: RunToolRequest,
    agent: string,
    tool: ToolDefinition | undefined,
  ): Promise<RunToolResult> {
    const step = currentStep(request);
    const call = await requestedCall(dependencies, step.tenant, request);
    const granted = tool !== undefined && (config.agents.get(agent)?.tools ?? []).includes(request.tool);
    const outcome = (text: string): Outcome => {
      const message = toolMessage(call.id, text);
      return { result: { hash: message.sha256, bytes: message.bytes.byteLength }, blobs: [message] };
    };
    if (!granted) {
      const known = config.agents.get(agent)?.tools?.join(', ') || 'none';
      return record(request, undefined, call.text, () =>
        Promise.resolve(outcome(`Error: you have no tool named ${request.tool}. Your tools: ${known}.`)),
      );
    }
    const parsed = call.json === undefined ? undefined : tool.input.safeParse(call.json);
    if (!parsed?.success) {
      const reason = parsed ? describeIssues(parsed.error) : 'the arguments are not JSON';
      return record(request, undefined, call.text, () =>
        Promise.resolve(outcome(`Error: invalid arguments: ${reason}`)),
      );
    }
    return record(request, tool, call.json, async (step, attempts) => {
      try {
        const value = await execute(request, tool, parsed.data, step);
        return outcome(typeof value === 'string' ? value : JSON.stringify(value));
      } catch (error) {
        const failure = lastAttempt(
          classifyToolError(request.tool, safetyOf(tool), error),
          attempts,
          request.maxAttempts,
        );
        if (failure.retryable || !tellModel(failure.type)) throw failure;
        return outcome(`Error: ${failure.type}: ${failure.message}`);
      }
    });
  }

  /** The step protocol around one call. Without a tool the answer is made here, and so is pure. */
  async function record(
    request: RunToolRequest,
    tool: ToolDefinition | undefined,
    input: unknown,
    run: (step: StepIdentity, attempts: number) => Promise<Outcome>,
  ): Promise<RunToolResult> {
    const step = currentStep(request);
    const safety = tool ? safetyOf(tool) : 'pure';
    const identity = {
      ...step,
      kind: 'tool' as const,
      name: request.tool,
      definitionHash: tool ? definitionHash(request.tool, tool) : 'none',
      fingerprint: hashJson([request.tool, input ?? null]),
      owner,
      safety,
    };
    const reused = step.predecessorKey && (await reuseStep(ledger, identity, step.predecessorKey));
    if (reused) return reused.result as RunToolResult;
    if (safety === 'pure' && toolPolicy(tool).quick) {
      const found = await findStep(ledger, identity.key, identity.fingerprint);
      if (found) return found.result as RunToolResult;
      const { result, blobs } = await run(step, 1);
      const recorded = await patiently(async () => {
        // The message must be there before the step says so.
        for (const blob of blobs) await putBlob(ledger, { tenant: step.tenant, scope: step.scope, ...blob });
        return recordPureStep(ledger, { ...identity, result });
      });
      return recorded.result as RunToolResult;
    }
    const timeoutMs = toolPolicy(tool).timeoutMs;
    const begun = await beginStep(ledger, { ...identity, leaseMs: timeoutMs + 5_000 });
    if (begun.status === 'done') return begun.result as RunToolResult;
    const { key } = step;
    const { epoch } = begun;
    try {
      const { result, blobs } = await withHeartbeat(() => run(step, begun.attempts));
      const { fenced } = await patiently(() => finishStep(ledger, { key, epoch, owner, result, blobs }));
      if (fenced) throw fencedOff(key);
      return result;
    } catch (error) {
      const failure = error instanceof SegnoError ? error : classifyToolError(request.tool, safety, error);
      // The effect stands and only its record is missing: the row stays `sent`, for the next attempt to find.
      if (failure.type === 'Ledger.Unavailable' || failure.type === 'Step.Fenced') throw failure;
      await patiently(() => failStep(ledger, { key, epoch, owner, error: failure }));
      throw failure;
    }
  }

  async function execute(
    request: RunToolRequest,
    tool: ToolDefinition,
    input: unknown,
    step: StepIdentity,
  ): Promise<unknown> {
    const deps = await loadDeps(dependencies, request.ctx, tool.deps, `tool ${request.tool}`);
    const activity = Context.current();
    const { timeoutMs } = toolPolicy(tool);
    const timeout = AbortSignal.timeout(timeoutMs);
    const context: ToolContext = {
      idempotencyKey: step.key,
      signal: AbortSignal.any([activity.cancellationSignal, timeout]),
      heartbeat: (details) => activity.heartbeat(details),
      deps,
      documents: documentStore(ledger, step),
    };
    let value: unknown;
    try {
      value = await tool.execute(input, context);
    } catch (error) {
      if (activity.cancellationSignal.aborted)
        throw new SegnoError('Run.Cancelled', `${request.tool} was cancelled`, { retryable: true });
      if (timeout.aborted) {
        throw new SegnoError('Tool.DeadlineExceeded', `${request.tool} took over ${timeoutMs} ms`, {
          retryable: true,
          cause: error,
        });
      }
      throw error;
    }
    const parsed = tool.output.safeParse(value);
    if (!parsed.success)
      throw new SegnoError('Tool.InvalidOutput', `${request.tool} returned:\n${describeIssues(parsed.error)}`);
    return parsed.data;
  }

  function definitionHash(name: string, tool: ToolDefinition): string {
    const known = hashes.get(tool);
    if (known) return known;
    const { description, duration = 'long', readOnly = false, idempotent = readOnly } = tool;
    const hash = hashJson({ name, description, duration, readOnly, idempotent });
    hashes.set(tool, hash);
    return hash;
  }
}

function lastAttempt(failure: SegnoError, attempts: number, maxAttempts?: number): SegnoError {
  const limit = maxAttempts ?? attemptsOfThrowingTool(failure.type);
  if (!failure.retryable || attempts < limit) return failure;
  return new SegnoError(failure.type, `${failure.message} (attempt ${attempts} of ${limit})`, { retryable: false });
}
