import { Context } from '@temporalio/activity';
import type { RunToolRequest, RunToolResult } from '../core/contracts.js';
import { SegnoError } from '../core/errors.js';
import type { ToolDefinition } from '../core/tool.js';
import { type ActivityDependencies, currentStep } from './dependencies.js';
import { withHeartbeat } from './heartbeat.js';
import { findingsIn } from './guardrails/findings.js';
import { blockedIn } from './guardrails/guardAnswer.js';
import { guardOfTool } from './guardrails/guards.js';
import {
  concludeForWorkflow,
  guardToolError,
  guardToolInput,
  guardToolOutput,
  withoutFindings,
} from './guardrails/guardTool.js';
import { loadDeps } from './runDeps.js';
import { type AgentCall, requestedCall, tellModel, toolMessage } from './toolCall/agentCall.js';
import { classifyToolError, toolFinalAfter } from './toolCall/classifyToolError.js';
import { executeTool, type ToolExecution } from './toolCall/executeTool.js';
import { parseToolInput } from './toolCall/parseToolInput.js';
import type { Outcome } from './toolCall/outcome.js';
import { createRecordCall } from './toolCall/recordCall.js';
import { safetyOf, toolPolicy } from './toolCall/toolPolicy.js';

/**
 * One call of a tool, by a workflow or by an agent's model.
 *
 * Invariants:
 * 1. A tool that may take effect only once is tried again only if it said itself that nothing has happened.
 * 2. A long tool never runs inside the workflow task, whatever the workflow believes of it.
 * 3. A model is told what it can do something about; what it cannot (an unknown outcome, a cancelled run) is thrown.
 */
export function createRunTool(dependencies: ActivityDependencies) {
  const { config, ledger, metrics, spans } = dependencies;
  const recordCall = createRecordCall(dependencies);

  return async function runTool(request: RunToolRequest): Promise<RunToolResult> {
    const tool = config.tools.get(request.tool);
    const policy = toolPolicy(tool);
    if (!policy.quick && (request.onlyQuick || Context.current().info.isLocal)) return { policy };
    const ran = await withHeartbeat(() =>
      request.agent === undefined ? runForWorkflow(request, tool) : runForAgent(request, request.agent, tool),
    );
    return request.onlyQuick ? { ...ran, policy } : ran;
  };

  async function runForWorkflow(request: RunToolRequest, tool: ToolDefinition | undefined): Promise<RunToolResult> {
    const { tool: name, input } = request;
    if (!tool) {
      const known = [...config.tools.keys()].join(', ');
      throw new SegnoError('Tool.Unknown', `no tool is named ${name}; there are: ${known}`);
    }
    const parsed = parseToolInput(tool, input);
    if ('invalid' in parsed) throw new SegnoError('Tool.InvalidInput', `${name}:\n${parsed.invalid}`);
    const deps = await depsOf(request, tool);
    const guard = guardOfTool(config, tool);
    const guarded = await guardToolInput(guard, name, tool, { input: parsed.data, given: input });
    const shared = { ledger, metrics, spans, ctx: request.ctx, name, tool, input: guarded.input, deps };
    const recorded = recordCall({
      ...{ request, tool, input, parsed: guarded.input, kept: guarded.kept, deps },
      run: async (step, attempts) => {
        if (guarded.blocked) throw guarded.blocked;
        return execute(request, { ...shared, step }, attempts);
      },
      conclude: concludeForWorkflow(guard, name, tool, guarded),
    });
    return withoutFindings(guard, recorded);
  }

  async function runForAgent(
    request: RunToolRequest,
    agent: string,
    tool: ToolDefinition | undefined,
  ): Promise<RunToolResult> {
    const { tool: name } = request;
    const call = await requestedCall(dependencies, currentStep(request).tenant, request);
    const answer = (text: string): Promise<RunToolResult> =>
      recordCall({
        ...{ request, input: call.text },
        run: () => Promise.resolve(text),
        conclude: async (end) => told(call, String(await end())),
      });

    const granted = config.agents.get(agent)?.tools ?? [];
    if (!tool || !granted.includes(name)) {
      return answer(`Error: you have no tool named ${name}. Your tools: ${granted.join(', ') || 'none'}.`);
    }
    const blocked = blockedIn(call.json);
    if (blocked) {
      const text = `Error: Guardrail.Blocked: ${name}: its input was blocked by ${blocked.why}`;
      return recordCall({
        ...{ request, input: call.text },
        run: () => Promise.resolve(text),
        conclude: async (end) => ({ ...told(call, String(await end())), findings: blocked.findings }),
      });
    }
    if (call.json === undefined) return answer('Error: invalid arguments: the arguments are not JSON');
    const parsed = parseToolInput(tool, call.json);
    if ('invalid' in parsed) return answer(`Error: invalid arguments: ${parsed.invalid}`);
    const deps = await depsOf(request, tool);
    const guard = guardOfTool(config, tool);
    const guarded = await guardToolInput(guard, name, tool, { input: parsed.data, given: call.json });
    const shared = { ledger, metrics, spans, ctx: request.ctx, name, tool, input: guarded.input, deps };
    const recorded = recordCall({
      ...{ request, tool, input: call.json, parsed: guarded.input, kept: guarded.kept, deps },
      run: async (step, attempts) => {
        if (guarded.blocked) throw guarded.blocked;
        return execute(request, { ...shared, step, agent, callId: call.id }, attempts);
      },
      conclude: async (end) => {
        try {
          const output = await guardToolOutput(guard, name, tool, await end(), guarded.input);
          const findings = [...guarded.findings, ...output.findings];
          const answered = { ...told(call, textOf(output)), findings };
          if (!tool.compensate || 'blocked' in output) return answered;
          return { ...answered, result: { ...answered.result, value: output.value } };
        } catch (error) {
          if (!(error instanceof SegnoError) || error.retryable || !tellModel(error.type)) throw error;
          const answered = { ...told(call, `Error: ${error.type}: ${error.message}`), findings: findingsIn(error) };
          return { ...answered, error: error.type, result: { ...answered.result, failed: error.type } };
        }
      },
    });
    const { value: _, failed: __, ...crossing } = await withoutFindings(guard, recorded);
    return crossing;
  }

  /** Before anything is begun: what is missing here is no outcome of the tool. */
  function depsOf({ ctx, tool: name }: RunToolRequest, tool: ToolDefinition): Promise<unknown> {
    return loadDeps(dependencies, ctx, tool.deps, `tool ${name}`);
  }

  async function execute(request: RunToolRequest, execution: ToolExecution, attempts: number): Promise<unknown> {
    try {
      return await executeTool(execution);
    } catch (error) {
      const classified = classifyToolError(request.tool, safetyOf(execution.tool), error);
      const failure = await guardToolError(guardOfTool(config, execution.tool), classified);
      throw toolFinalAfter(failure, attempts, request.maxAttempts);
    }
  }
}

function textOf(output: { value: unknown } | { blocked: string }): string {
  if ('blocked' in output) return `Error: Guardrail.Blocked: ${output.blocked}`;
  return typeof output.value === 'string' ? output.value : (JSON.stringify(output.value) ?? 'null');
}

function told(call: AgentCall, text: string): Outcome {
  const message = toolMessage(call.id, text);
  return { result: { hash: message.sha256, bytes: message.bytes.byteLength }, blobs: [message] };
}
