import { CancellationScope, CancelledFailure, continueAsNew } from '@temporalio/workflow';
import { type AgentEnd, type AgentState, type AgentUsage, runTurns } from '../agent/agentLoop.js';
import { metered, newMeter } from '../scope.js';

const nothing: AgentUsage = { usage: [0, 0, '0'], repetitions: 0 };

/** An agent call that outgrew the workflow which made it: `turnsPerExecution` turns, then continue-as-new with its state. */
export async function runAgent(state: AgentState, before: AgentUsage = nothing): Promise<AgentEnd> {
  const meter = newMeter();
  const result = await metered(meter, () => runTurns(state));
  const [inputTokens, outputTokens, cost] = before.usage;
  const used: AgentUsage = {
    usage: [
      inputTokens + meter.inputTokens,
      outputTokens + meter.outputTokens,
      String(BigInt(cost) + meter.costPicoUsd),
    ],
    repetitions: before.repetitions + meter.repetitions,
  };
  if ('output' in result) return { output: result.output, used };
  // The next execution would not know of it.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the agent was cancelled');
  return continueAsNew<typeof runAgent>(result.goOn, used);
}
