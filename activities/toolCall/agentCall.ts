import type { RunToolRequest } from '../../core/contracts.js';
import { type ErrorType, SegnoError } from '../../core/errors.js';
import { sha256Hex } from '../../ledger/index.js';
import type { ActivityDependencies } from '../dependencies.js';
import { transcriptAt } from '../model/conversation.js';
import { requestedCalls } from '../model/messages.js';
import { parseModelJson } from '../model/parseModelJson.js';

/** The call an agent's model asked for: its id, and its arguments as text and, when they are JSON, as a value. */
export interface AgentCall {
  id: string;
  text: string;
  json: unknown;
}

/** Read the call at `index` of the assistant's message `head` from the transcript. */
export async function requestedCall(
  dependencies: Pick<ActivityDependencies, 'ledger' | 'transcripts'>,
  tenant: string,
  { head, index, tool }: RunToolRequest,
): Promise<AgentCall> {
  const message = (await transcriptAt(dependencies, tenant, head!)).at(-1);
  const call = message && requestedCalls(message)[index!];
  if (!call || call.name !== tool)
    throw new SegnoError('Step.Mismatch', `the transcript ${head} has no call ${index} of ${tool}`);
  return { id: call.id, text: call.arguments, json: parse(call.arguments) };
}

/** Some models send nothing at all for a tool without arguments. */
function parse(text: string): unknown {
  try {
    return parseModelJson(text.trim() === '' ? '{}' : text);
  } catch {
    return undefined;
  }
}

/** The message a model reads as the tool's answer, under its hash. */
export function toolMessage(callId: string, text: string): { sha256: string; bytes: Uint8Array; mediaType: string } {
  const bytes = Buffer.from(JSON.stringify({ role: 'tool', tool_call_id: callId, content: text }));
  return { sha256: sha256Hex(bytes), bytes, mediaType: 'application/json' };
}

const notForTheModel: ReadonlySet<ErrorType> = new Set([
  'Tool.OutcomeUnknown',
  'Run.Cancelled',
  'Ledger.Unavailable',
  'Deps.Missing',
  'Deps.Invalid',
  'Step.Mismatch',
  'Step.Fenced',
]);

/** Whether the model may go on with this failure: those that a person or the platform must settle end the agent's call. */
export function tellModel(type: ErrorType): boolean {
  return !notForTheModel.has(type);
}
