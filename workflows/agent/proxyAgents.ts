import type { z } from 'zod';
import { workflowInfo } from '@temporalio/workflow';
import type { BudgetAmounts } from '../../core/admission/settings.js';
import type { ModelCallOptions } from '../../core/contracts.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { Deadline, type Duration } from '../deadline.js';
import { nextPath } from '../scope.js';
import { referTo } from './stepReference.js';
import { withDefaults } from './withDefaults.js';
import { runAgentCall } from './agentLoop.js';

export interface AgentCallOptions {
  /** Limit of the whole call: every turn, tool, retry and wait. Default 1 hour. */
  timeout?: Duration;
  /** Model alias, instead of the agent's own. */
  model?: string;
  /** Output tokens of one model call. */
  maxOutputTokens?: number;
  /** Model calls in this agent call. */
  maxTurns?: number;
  /** Real attempts of one model call before a retryable failure becomes final. Default: as many as the timeout allows. */
  maxAttempts?: number;
  /** What this call may spend at most, beside the budgets around it. */
  budget?: BudgetAmounts;
}

/** The agents of a module as functions; exports that are no agents are left out. */
export type AgentsOf<Module> = {
  [
    Name in keyof Module as Module[Name] extends AgentDefinition<infer _I, infer _O, infer _D> ? Name : never
  ]: Module[Name] extends AgentDefinition<infer Input, infer Output, infer _Deps>
    ? (input: z.input<Input>, options?: AgentCallOptions) => Promise<z.output<Output>>
    : never;
};

/**
 * The agents of a module, to be called from workflow code: `proxyAgents<typeof import('./agents.js')>({ timeout: '2m' })`.
 *
 * It mirrors Temporal's `proxyActivities`. Each model call and each tool call of an agent is a durable step. A call rejects
 * with an `ApplicationFailure` of a registered type (`Model.Refused`, `Agent.TurnLimit`, …; see docs/errors.md).
 */
export function proxyAgents<Module>(defaults: AgentCallOptions = {}): AgentsOf<Module> {
  return new Proxy({} as AgentsOf<Module>, {
    get: (_, agent) => {
      if (typeof agent !== 'string') return undefined;
      const call = (input: unknown, options: AgentCallOptions = {}): Promise<unknown> => {
        const { timeout = '1h', maxTurns, budget, ...rest } = withDefaults(options, defaults);
        const path = nextPath(agent);
        return runAgentCall({
          version: 1,
          agent,
          path,
          deadlineMs: Deadline.after(timeout).atMs,
          input: input ?? null,
          turns: 0,
          repairs: 0,
          ...(Object.keys(rest).length > 0 && { options: rest satisfies ModelCallOptions }),
          ...(maxTurns !== undefined && { maxTurns }),
          ...(budget && { budget: { ...budget, key: `call/${workflowInfo().runId}/${path}` } }),
        });
      };
      const { timeout: __, maxTurns, budget: ___, ...rest } = defaults;
      return referTo(call, {
        agent,
        ...(Object.keys(rest).length > 0 && { options: rest satisfies ModelCallOptions }),
        ...(maxTurns !== undefined && { maxTurns }),
      });
    },
  });
}
