import type { z } from 'zod';
import type { ToolDefinition } from '../../core/tool.js';
import { Deadline, type Duration } from '../deadline.js';
import { runContext } from '../runContext.js';
import { nextPath, watched } from '../scope.js';
import { referTo } from './stepReference.js';
import { withDefaults } from './withDefaults.js';
import { callTool } from './callTool.js';
import { ToolPolicies } from './toolPolicies.js';

export interface ToolCallOptions {
  /** Limit of the whole call, retries and waits included. Default 1 hour. */
  timeout?: Duration;
  /** Real attempts before a retryable failure becomes final. Default: as many as the timeout allows. */
  maxAttempts?: number;
}

/** The tools of a module as functions; exports that are no tools are left out. */
export type ToolsOf<Module> = {
  [
    Name in keyof Module as Module[Name] extends ToolDefinition<infer _I, infer _O, infer _D> ? Name : never
  ]: Module[Name] extends ToolDefinition<infer Input, infer Output, infer _Deps>
    ? (input: z.input<Input>, options?: ToolCallOptions) => Promise<z.output<Output>>
    : never;
};

const policies = new ToolPolicies();

/**
 * The tools of a module, to be called from workflow code: `proxyTools<typeof import('./tools.js')>()`.
 *
 * A call is a durable step: it happens once, however often the workflow is replayed and whichever worker runs it. It rejects
 * with an `ApplicationFailure` of a registered type (`Tool.Failed`, `Tool.OutcomeUnknown`, …; see docs/errors.md).
 */
export function proxyTools<Module>(defaults: ToolCallOptions = {}): ToolsOf<Module> {
  return new Proxy({} as ToolsOf<Module>, {
    get: (_, tool) => {
      if (typeof tool !== 'string') return undefined;
      const call = async (input: unknown, options: ToolCallOptions = {}): Promise<unknown> => {
        const { timeout = '1h', maxAttempts } = withDefaults(options, defaults);
        const ctx = runContext();
        const request = {
          tool,
          path: nextPath(tool),
          input,
          ...(maxAttempts !== undefined && { maxAttempts }),
          ...(ctx && { ctx }),
        };
        const deadline = Deadline.after(timeout);
        const { value } = await watched(() =>
          policies.use(tool, (policy, learn) => callTool(request, policy, deadline, learn)),
        );
        return value;
      };
      const { maxAttempts } = defaults;
      return referTo(call, { tool, ...(maxAttempts !== undefined && { maxAttempts }) });
    },
  });
}
