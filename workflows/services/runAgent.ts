import { continueAsNew } from '@temporalio/workflow';
import { type AgentState, runTurns } from '../agent/agentLoop.js';

/** An agent call that outgrew the workflow which made it: `turnsPerExecution` turns, then continue-as-new with its state. */
export async function runAgent(state: AgentState): Promise<unknown> {
  const result = await runTurns(state);
  if ('output' in result) return result.output;
  return continueAsNew<typeof runAgent>(result.goOn);
}
