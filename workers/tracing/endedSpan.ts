import type { Ended } from '../../core/ended.js';
import { agentAttributes, type FinishedSpan, parseTraceparent, spanIdOf } from '../../core/trace.js';

/** The span of a run, a child workflow or an agent's call, from what its workflow tells of its end. */
export function endedSpan(ended: Ended): FinishedSpan | undefined {
  const { kind, name, key, trace, above, startedMs, endedMs, status, workflowId } = ended;
  const workflow = parseTraceparent(trace);
  if (!workflow) return undefined;
  const errorType =
    status === 'completed' ? undefined : (ended.errorType ?? (status === 'cancelled' ? 'Run.Cancelled' : '_OTHER'));
  const common = { kind: 'internal' as const, startedMs, endedMs, errorType };
  if (kind === 'agent' && key !== undefined) {
    return {
      ...workflow,
      ...common,
      spanId: spanIdOf(key),
      parentSpanId: workflow.spanId,
      name: `invoke_agent ${name}`,
      attributes: { ...agentAttributes(name, key), 'segno.workflow.id': workflowId },
    };
  }
  return {
    ...workflow,
    ...common,
    parentSpanId: above === undefined ? undefined : parseTraceparent(above)?.spanId,
    name: `invoke_workflow ${name}`,
    attributes: {
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': name,
      'segno.workflow.id': workflowId,
    },
  };
}
